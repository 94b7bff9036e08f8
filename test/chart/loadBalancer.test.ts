// The value `loadBalancer`: what it adds to the objects, the Secret that outlives upgrades, and
// that the rights it gives are enough to give out addresses at a real API server.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { decodeFeatures } from '../../src/config/features.ts';
import { DEFAULT_SECRET_FILE } from '../../src/config/loadBalancer/ownSchema.ts';
import { parseYamlDocuments } from '../../src/config/yamlText.ts';
import { patience } from '../lab/patience.ts';
import { AllocatorNode } from '../e2e/allocatorNode.ts';
import { node, service } from '../e2e/witness.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { eventually } from '../support/e2e/cluster.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { accountToken } from './account.ts';
import { CHART, ciValues, Helm, NAMESPACE, RELEASE, theOnly } from './helm.ts';
import { podSpecOf } from './pod.ts';

const [, FILE] = ciValues.find(([name]) => name === 'load-balancer')!;
const VALUES = `--values=${FILE}`;
const SECRET = `${RELEASE}-lb`;

jest.setTimeout(patience(60_000));

let server: ApiServer;
let helm: Helm;

beforeAll(async () => {
  server = await ApiServer.start({ flags: ['--allow-privileged=true'] });
  helm = new Helm(server.writeKubeconfig());
}, 120_000);

afterAll(async () => {
  offline.close();
  helm?.close();
  await server?.stop();
}, 30_000);

const offline = new Helm();
const rendered = (...argv: readonly string[]) => offline.objects(...argv);

function settingsIn(objects: readonly ClusterObject[]) {
  const { data } = theOnly(objects, 'ConfigMap') as unknown as {
    readonly data: Record<string, string>;
  };
  const { documents } = parseYamlDocuments(data['load-balancer.yaml']!, 'load-balancer.yaml');
  return decodeFeatures(documents);
}

test('the configuration is one that the product takes whole, and both containers are told of', () => {
  const objects = rendered(VALUES);
  const { features, problems } = settingsIn(objects);
  expect(problems).toEqual([]);
  expect(features.loadBalancer?.pools.map(({ name }) => name)).toEqual(['office', 'team']);
  const { initContainers, containers } = podSpecOf(theOnly(objects, 'DaemonSet'));
  for (const { args } of [...initContainers!, ...containers])
    expect(args).toContain('--features=/etc/kube-ipvs/load-balancer.yaml');
});

test('the key is where the product looks for it, and the port of heartbeats is told', () => {
  const objects = rendered(VALUES);
  const spec = podSpecOf(theOnly(objects, 'DaemonSet')) as unknown as {
    readonly volumes: readonly object[];
    readonly containers: readonly {
      readonly ports: readonly object[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    }[];
  };
  const mount = spec.containers[0]!.volumeMounts.find(({ name }) => name === 'load-balancer');
  expect(`${mount?.mountPath}/key`).toBe(DEFAULT_SECRET_FILE);
  const secret = { secretName: SECRET, defaultMode: 0o400 };
  expect(spec.volumes).toContainEqual({ name: 'load-balancer', secret });
  const port = { name: 'heartbeat', containerPort: 10_261, protocol: 'UDP' };
  expect(spec.containers[0]!.ports).toContainEqual(port);
});

test('another configuration is another checksum, so the pods follow node by node', () => {
  const checksumOf = (...argv: readonly string[]) =>
    /checksum\/config":"(\w+)/.exec(JSON.stringify(rendered(VALUES, ...argv)))?.[1];
  expect(checksumOf()).toBeDefined();
  expect(checksumOf('--set=loadBalancer.config.serveUnclassed=true')).not.toBe(checksumOf());
});

test('a Secret of one’s own takes the place of the one that is made', () => {
  const objects = rendered(VALUES, '--set=loadBalancer.existingSecret=mine');
  expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  expect(JSON.stringify(podSpecOf(theOnly(objects, 'DaemonSet')))).toContain('"secretName":"mine"');
});

test.each([
  [
    '--set=features.LoadBalancerConfiguration.serveUnclassed=true',
    /features\.LoadBalancerConfiguration: give it as loadBalancer\.config/,
  ],
  [
    '--set=loadBalancer.enabled=false',
    /loadBalancer\.config is of no use without loadBalancer\.enabled=true/,
  ],
  ['--set-json=loadBalancer.config.pools=[{"name":"a","adresses":[]}]', /adresses/],
])('%s is refused in words', (flag, words) => {
  const { status, stderr } = offline.run('template', RELEASE, CHART, VALUES, flag);
  expect(status).toBe(1);
  expect(stderr).toMatch(words);
});

test('the key stays over upgrades, and when the release is made anew', async () => {
  const args = [RELEASE, CHART, `--namespace=${NAMESPACE}`, VALUES];
  const key = async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${SECRET}`;
    const { status, text } = await server.objects.request('GET', path);
    if (status !== 200) throw new Error(text);
    return Buffer.from((JSON.parse(text) as { data: { key: string } }).data.key, 'base64');
  };
  helm.must('install', ...args);
  const first = await key();
  expect(Buffer.from(first.toString(), 'base64')).toHaveLength(32);
  expect(first.toString()).not.toMatch(/\s/);
  helm.must('upgrade', ...args, '--set=config.ipvs.scheduler=wrr');
  expect(await key()).toEqual(first);
  helm.must('uninstall', RELEASE, `--namespace=${NAMESPACE}`);
  expect(await key()).toEqual(first);
  helm.must('install', ...args);
  expect(await key()).toEqual(first);
});

test('the account of the release may give out addresses, and told nobody of a missing right', async () => {
  await server.objects.create(node('node-1'));
  const { features } = settingsIn(rendered(VALUES));
  const token = await accountToken(server.objects);
  const allocator = new AllocatorNode({
    plane: server,
    name: 'node-1',
    settings: features.loadBalancer!,
    namespace: NAMESPACE,
    token,
  });
  await allocator.start();
  try {
    const spec = {
      type: 'LoadBalancer',
      loadBalancerClass: features.loadBalancer!.loadBalancerClass,
    };
    const web = await server.objects.create(service('web', spec));
    await eventually(async () => {
      const { status } = (await server.objects.get(web)) as unknown as {
        readonly status: { readonly loadBalancer: object };
      };
      expect(status.loadBalancer).toEqual({ ingress: [{ ip: '192.0.2.64', ipMode: 'VIP' }] });
    });
    expect(allocator.conditions.standing).toEqual([]);
    expect(allocator.log.lines.join('\n')).not.toMatch(/forbidden|not posted/);
  } finally {
    await allocator.stop();
  }
});
