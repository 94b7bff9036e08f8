/**
 * A node that runs the product, with one Service that a pod on it serves: what the tests of rules
 * beside ours ask again and again.
 */
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterCidrs, gateway, nodeAt, outsideClient } from '../../lab/addressPlan.ts';
import { Topology } from '../../lab/topology.ts';
import type { FlowResult } from '../../lab/traffic.ts';
import { eventually } from '../e2e/cluster.ts';
import { ProductProcess } from '../e2e/productProcess.ts';

const NODE = nodeAt(1);
const NODE_PORT = 30_080;

export class OneNode {
  readonly #topology: Topology;
  readonly #folder: string;
  readonly #pod: string;
  #product: ProductProcess | undefined;

  private constructor(topology: Topology, folder: string, pod: string) {
    this.#topology = topology;
    this.#folder = folder;
    this.#pod = pod;
  }

  static async create(): Promise<OneNode> {
    const topology = await Topology.create({ nodeCount: 1 });
    const pod = await topology.addPod(NODE.name, 'web');
    await topology.traffic.serve('web', 'web', 'tcp', 8080);
    const folder = await mkdtemp(join(tmpdir(), 'one-node-'));
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE.name } };
    await writeFile(join(folder, 'node.json'), JSON.stringify(node));
    const one = new OneNode(topology, folder, pod.addresses.IPv4);
    await one.#publish('web', '10.96.0.10', NODE_PORT);
    return one;
  }

  /** Besides, that many more, all served by the same pod. */
  async alsoServe(count: number): Promise<void> {
    for (let i = 1; i <= count; i++) await this.#publish(`more-${i}`, `10.96.1.${i}`);
    for (let i = count + 1; await this.#withdraw(`more-${i}`); i++);
  }

  async #publish(name: string, clusterIP: string, nodePort?: number): Promise<void> {
    const type = nodePort === undefined ? 'ClusterIP' : 'NodePort';
    const items = [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'shop' },
        spec: { type, clusterIP, ports: [{ port: 80, nodePort }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `${name}-1`,
          namespace: 'shop',
          labels: { 'kubernetes.io/service-name': name },
        },
        addressType: 'IPv4',
        ports: [{ port: 8080 }],
        endpoints: [{ addresses: [this.#pod], nodeName: NODE.name }],
      },
    ];
    // Whole at once: a half-written file would be a file with an error.
    const path = join(this.#folder, `${name}.json`);
    await writeFile(`${path}.part`, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await rename(`${path}.part`, path);
  }

  /** @returns whether it was there */
  async #withdraw(name: string): Promise<boolean> {
    try {
      await unlink(join(this.#folder, `${name}.json`));
      return true;
    } catch {
      return false;
    }
  }

  /** Started, its first sync done. */
  async start(): Promise<ProductProcess> {
    this.#product = new ProductProcess({
      namespace: NODE.name,
      flags: [
        `--hostname-override=${NODE.name}`,
        `--cluster-cidr=${clusterCidrs.IPv4},${clusterCidrs.IPv6}`,
        `--manifests=${this.#folder}`,
        '--ipvs-sync-period=1s',
        '-v=2',
      ],
    });
    await this.#product.says(/first sync done.*failed=0/);
    return this.#product;
  }

  /** In order; what it programmed stays. @returns all it has said */
  async stop(): Promise<string> {
    const product = this.#product;
    this.#product = undefined;
    await product?.end('SIGTERM');
    return product?.log ?? '';
  }

  async destroy(): Promise<void> {
    await this.stop();
    await this.#topology.destroy();
    await rm(this.#folder, { recursive: true });
  }

  /** One command on the node, as one would type it. @returns its output @throws when it fails */
  async run(command: string): Promise<string> {
    const { status, stdout, stderr } = await this.#topology.exec(NODE, ['sh', '-c', command]);
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout;
  }

  /** By a client outside, whose packets the rules have to masquerade and to let pass. */
  askOutside(): Promise<FlowResult> {
    return this.#topology.traffic.probe({
      from: outsideClient.name,
      protocol: 'tcp',
      address: NODE.addresses.IPv4,
      port: NODE_PORT,
    });
  }

  /** Such a client comes to be answered, and what the pod sees of it is the node's. */
  answersOutside(): Promise<void> {
    const wanted = JSON.stringify({ kind: 'answered', by: 'web', client: gateway(NODE).IPv4 });
    return eventually(async () => {
      const met = JSON.stringify(await this.askOutside());
      if (met !== wanted) throw new Error(`a client outside meets ${met}, not ${wanted}`);
    });
  }

  /** @returns what the next audits said, without the first one, which may end what is under way */
  async audits(): Promise<readonly string[]> {
    const run = this.#product!;
    const before = run.log.length;
    const said = () => run.log.slice(before).match(/"audit.*/g) ?? [];
    await eventually(() => {
      if (said().length < 4) throw new Error('still waiting for audits');
    });
    return said().slice(1);
  }
}
