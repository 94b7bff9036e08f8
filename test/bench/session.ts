/** A proxy at work in a lab, with an API server beside it: what quantities are measured on. */
import type { ApiServer } from '../support/e2e/apiServer.ts';
import type { Lab } from '../support/lab/lab.ts';
import type * as InLab from './inLab.ts';
import { benchSlice, criticalServers, lastAddress, NODE_NAME, type Size } from './objects.ts';

type Exports = Omit<typeof InLab, 'default'>;

const flags = (kubeconfig: string) => [
  `--kubeconfig=${kubeconfig}`,
  `--hostname-override=${NODE_NAME}`,
  '--proxy-mode=ipvs',
  '--cluster-cidr=10.244.0.0/16',
  '--conntrack-max-per-core=0',
  '--conntrack-tcp-timeout-established=0',
  '--conntrack-tcp-timeout-close-wait=0',
];

export interface SessionParts {
  readonly api: ApiServer;
  readonly lab: Lab;
  readonly size: Size;
  readonly command: readonly string[];
  /** file of the proxy's log */
  readonly log: string;
}

export class Session {
  readonly api: ApiServer;
  readonly size: Size;
  /** virtual servers that there are to be */
  servers: number;
  readonly #parts: SessionParts;
  readonly #argv: readonly string[];
  /** how often the last endpoint of a Service has moved */
  readonly #moves = new Map<number, number>();
  #clusterIps: ReadonlyMap<string, string> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.api = parts.api;
    this.size = parts.size;
    this.servers = parts.size.services + criticalServers.length;
    this.#argv = [...parts.command, ...flags(parts.api.writeKubeconfig('lab'))];
  }

  async start(...more: readonly string[]): Promise<InLab.StartFigures> {
    const { log } = this.#parts;
    const argv = [...this.#argv, ...more];
    return this.inLab('start', { argv, log, servers: this.servers, critical: criticalServers });
  }

  /** The slice of a Service with its last endpoint where none has been yet. */
  moved(index: number) {
    const moves = (this.#moves.get(index) ?? 0) + 1;
    this.#moves.set(index, moves);
    return benchSlice(index, this.size, moves);
  }

  /** Moves an endpoint of a Service. @returns ms until the kernel has it */
  async change(index: number): Promise<number> {
    const slice = this.moved(index);
    const server = await this.serverOf(`s${index}`);
    return this.inLab('change', this.apiFromLab, slice, server, lastAddress(slice));
  }

  /** @param service of namespace default */
  async serverOf(service: string): Promise<string> {
    this.#clusterIps = this.#clusterIps?.has(service)
      ? this.#clusterIps
      : await this.#readClusterIps();
    return `${this.#clusterIps.get(service)}:80/TCP`;
  }

  get apiFromLab() {
    const { labUrl, token, ca } = this.api;
    return { url: labUrl, token, ca };
  }

  inLab<Name extends keyof Exports>(
    name: Name,
    ...args: Parameters<Exports[Name]>
  ): Promise<Awaited<ReturnType<Exports[Name]>>> {
    return this.#parts.lab.call('test/bench/inLab.ts', name, ...(args as never[])) as never;
  }

  async #readClusterIps(): Promise<ReadonlyMap<string, string>> {
    const items = await this.api.objects.list('v1', 'Service');
    return new Map(
      items.map(({ metadata, spec }) => [metadata.name, (spec as { clusterIP: string }).clusterIP]),
    );
  }
}
