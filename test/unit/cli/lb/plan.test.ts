import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseYamlText } from '../../../../src/config/yamlText.ts';
import { runCommand, Scratch } from '../../../support/program/command.ts';

const FEATURES = `
apiVersion: kube-ipvs.io/v1alpha1
kind: LoadBalancerConfiguration
pools:
  - { name: office, addresses: [192.0.2.64/30] }
  - { name: router, addresses: [198.51.100.0/24], autoAssign: false, announce: [] }
`;

const SERVICES = `
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: { name: web, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z" }
    spec: &spec
      type: LoadBalancer
      loadBalancerClass: kube-ipvs.io/l2
      clusterIP: 10.96.0.20
      clusterIPs: [10.96.0.20]
      ipFamilies: [IPv4]
      ports: [{ port: 80 }]
  - apiVersion: v1
    kind: Service
    metadata:
      name: routed
      namespace: shop
      creationTimestamp: "2026-01-02T00:00:00Z"
      annotations: { metallb.io/address-pool: router }
    spec: { <<: *spec, clusterIP: 10.96.0.21, clusterIPs: [10.96.0.21] }
  - apiVersion: v1
    kind: Service
    metadata: { name: lost, namespace: shop, creationTimestamp: "2026-01-03T00:00:00Z" }
    spec: { <<: *spec, clusterIP: 10.96.0.22, clusterIPs: [10.96.0.22], loadBalancerIP: 203.0.113.9 }
  - apiVersion: v1
    kind: Service
    metadata: { name: cloud, namespace: shop }
    spec: { <<: *spec, loadBalancerClass: null, clusterIP: 10.96.0.23, clusterIPs: [10.96.0.23] }
  - apiVersion: v1
    kind: Service
    metadata: { name: broken, namespace: shop }
    spec: { <<: *spec, loadBalancerClass: 5, clusterIP: 10.96.0.24, clusterIPs: [10.96.0.24] }
`;

const CLUSTER = ['web', 'routed']
  .map(
    (name) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 8080 }]
endpoints: [{ addresses: [10.244.1.5], nodeName: n1 }]
---`,
  )
  .concat(
    ['n1', 'n2', 'n3'].map(
      (name, i) => `
apiVersion: v1
kind: Node
metadata: { name: ${name} }
status: { addresses: [{ type: InternalIP, address: 192.0.2.1${i} }] }
---`,
    ),
  )
  .join('');

interface PlanJson {
  readonly assignments: readonly {
    service: string;
    isOurs: boolean;
    state: string;
    addresses: readonly { address: string; pool: string | null }[];
    cause: string | null;
    message: string;
    isWritten: boolean;
    status: { loadBalancer: object; conditions: readonly object[] };
  }[];
  readonly announcers: readonly {
    address: string;
    node: string | null;
    interfaces: readonly string[];
    candidates: readonly string[];
    excluded: readonly { node: string; reason: string }[];
    cause: string | null;
  }[];
  readonly events: readonly { service: string; type: string; reason: string; note: string }[];
  readonly pools: readonly object[];
  readonly problems: readonly { path: string; problem: string }[];
}

let scratch: Scratch;
let features: string;
let services: string;
let cluster: string;
beforeAll(async () => {
  scratch = await Scratch.make();
  features = await scratch.write('lb.yaml', FEATURES);
  services = await scratch.write('services.yaml', SERVICES);
  cluster = await scratch.write('cluster.yaml', CLUSTER);
});
afterAll(() => scratch.remove());

const run = (...words: readonly string[]) => runCommand(['lb', 'plan', ...words]);

async function plan(...words: readonly string[]): Promise<PlanJson> {
  const manifests = ['--manifests', services, '--manifests', cluster];
  const { exitCode, stdout, stderr } = await run(
    ...manifests,
    '--features',
    features,
    '-o',
    'json',
    ...words,
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as PlanJson;
}

describe('of objects alone', () => {
  test('each Service of type LoadBalancer is told of, and why it has no address', async () => {
    const { assignments } = await plan();
    const told = assignments.map(({ service, isOurs, state, cause, addresses }) => [
      service,
      isOurs,
      state,
      cause,
      addresses,
    ]);
    expect(told).toEqual([
      ['shop/cloud', false, 'Ignored', null, []],
      ['shop/lost', true, 'Pending', 'AddressNotInPools', []],
      ['shop/routed', true, 'Assigned', null, [{ address: '198.51.100.0', pool: 'router' }]],
      ['shop/web', true, 'Assigned', null, [{ address: '192.0.2.64', pool: 'office' }]],
    ]);
  });

  test('what somebody else serves is said with what it was given', async () => {
    const given = SERVICES.replace(
      '    metadata: { name: cloud, namespace: shop }\n',
      '    metadata: { name: cloud, namespace: shop }\n' +
        '    status: { loadBalancer: { ingress: [{ ip: 198.51.100.1, ipMode: Proxy }] } }\n',
    );
    const why = 'it has no loadBalancerClass, and serveUnclassed is false';
    for (const [text, has] of [
      [SERVICES, 'no address yet'],
      [given, '198.51.100.1 (Proxy), given by somebody else'],
    ] as const) {
      const manifests = await scratch.write('given.yaml', text);
      const { stdout } = await run('--manifests', manifests, '--features', features);
      expect(stdout).toContain(`  shop/cloud Ignored: ${why}; it has ${has}\n`);
    }
  });

  test('the status after it is given, and nothing is written when it is there already', async () => {
    const { assignments } = await plan();
    const web = assignments.find(({ service }) => service === 'shop/web')!;
    expect(web.isWritten).toBe(true);
    expect(web.status).toEqual({
      loadBalancer: { ingress: [{ ip: '192.0.2.64', ipMode: 'VIP' }] },
      conditions: [
        {
          type: 'kube-ipvs.io/AddressAssigned',
          status: 'True',
          reason: 'Assigned',
          message: '192.0.2.64 from pool office',
          lastTransitionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      ],
    });
    const { value } = parseYamlText(SERVICES, '').text as unknown as {
      value: { items: { metadata: { name: string } }[] };
    };
    const statusOf = new Map(assignments.map((each) => [each.service, each.status]));
    const items = value.items.map((item) => ({
      ...item,
      status: statusOf.get(`shop/${item.metadata.name}`),
    }));
    const after = await scratch.write(
      'after.json',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
    const again = await run(
      '--manifests',
      after,
      '--manifests',
      cluster,
      '--features',
      features,
      '-ojson',
    );
    const second = JSON.parse(again.stdout) as PlanJson;
    expect(second.assignments.filter((each) => each.isWritten)).toEqual([]);
    expect(second.events).toEqual([]);
    expect(second.announcers).toEqual((await plan()).announcers);
  });

  test('events, pools, and what is wrong with an object; the others go on', async () => {
    const { events, pools, problems } = await plan();
    expect(events.map(({ service, type, reason }) => [service, type, reason])).toEqual([
      ['shop/lost', 'Warning', 'AddressPending'],
      ['shop/routed', 'Normal', 'AddressAssigned'],
      ['shop/web', 'Normal', 'AddressAssigned'],
    ]);
    expect(pools).toEqual([
      { name: 'office', ipv4: { total: 4, used: 1 }, ipv6: { total: 0, used: 0 } },
      { name: 'router', ipv4: { total: 256, used: 1 }, ipv6: { total: 0, used: 0 } },
    ]);
    expect(problems).toEqual([
      {
        path: 'Service/shop/broken.spec.loadBalancerClass',
        value: 5,
        problem: expect.stringContaining('given no load balancer address'),
        consequence: 'NotBalanced',
        source: expect.stringContaining('services.yaml'),
      },
    ]);
  });

  test('all nodes may announce, one does; what a router brings nobody does', async () => {
    const [office, routed] = (await plan()).announcers;
    expect(office).toMatchObject({ address: '192.0.2.64', services: ['shop/web'], cause: null });
    expect(office!.candidates.toSorted()).toEqual(['n1', 'n2', 'n3']);
    expect(office!.node).toBe(office!.candidates[0]);
    expect(routed).toMatchObject({ address: '198.51.100.0', node: null, cause: 'NotAnnounced' });
  });

  test('as text', async () => {
    const words = ['--manifests', services, '--manifests', cluster, '--features', features];
    const { stdout } = await run(...words);
    expect(stdout).toContain(
      '  shop/web Assigned: 192.0.2.64 from pool office; the status is written\n',
    );
    expect(stdout).toContain('  198.51.100.0 (shop/routed): nobody (NotAnnounced)\n');
    expect(stdout).toContain('POOLS (2)\n  office: IPv4 1 of 4\n');
    expect(stdout).toContain('PROBLEMS (1)\n');
  });
});

describe('with what only a running system knows', () => {
  const STATE = `
nodes:
  - { name: n1, alive: false }
  - name: n2
    interfaces: [{ name: eth0, addresses: [192.0.2.11/24], defaultRoute: [IPv4] }]
  - { name: n3, unable: [192.0.2.64] }
owners: [{ address: 192.0.2.64, node: n1 }]
conflicts: [{ address: 192.0.2.64, mac: "02:00:00:00:00:99" }]
`;

  test('the dead and the unable are out, and a foreign owner is told of', async () => {
    const { announcers, events, assignments } = await plan(
      '--state',
      await scratch.write('s.yaml', STATE),
    );
    // What somebody else answers for is not given out; the next address is.
    const web = assignments.find(({ service }) => service === 'shop/web')!;
    expect(web.addresses).toEqual([{ address: '192.0.2.65', pool: 'office' }]);
    expect(announcers[0]).toMatchObject({
      address: '192.0.2.65',
      node: 'n2',
      interfaces: ['eth0'],
    });
    expect(announcers[0]!.excluded).toEqual([{ node: 'n1', reason: 'NotAlive' }]);
    expect(events.map(({ reason }) => reason)).not.toContain('AddressConflict');
  });

  test('the owner stays', async () => {
    for (const name of ['n1', 'n2', 'n3']) {
      const text = `owners: [{ address: 192.0.2.64, node: ${name} }]`;
      const { announcers } = await plan('--state', await scratch.write('owner.yaml', text));
      expect(announcers[0]?.node).toBe(name);
    }
  });
});

describe('bad input is told whole, and nothing is printed', () => {
  test.each<readonly [string, readonly string[], string]>([
    ['no manifests', ['--features', 'F'], '--manifests: must be given'],
    ['no configuration', ['--manifests', 'M'], '--features: must name a file that holds'],
    ['a path that is not there', ['--manifests', 'no/such', '--features', 'F'], 'does not exist'],
    ['an unknown flag', ['--manifests', 'M', '--features', 'F', '--stat=x'], '--stat'],
    ['another format', ['--manifests', 'M', '--features', 'F', '-o', 'xml'], '--output ("xml")'],
  ])('%s', async (_, words, message) => {
    const files: Readonly<Record<string, string>> = { F: features, M: services };
    const { exitCode, stdout, stderr } = await run(...words.map((word) => files[word] ?? word));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('configuration and state, each with its place', async () => {
    const bad = await scratch.write('bad.yaml', FEATURES.replace('office', 'Office!'));
    const state = await scratch.write('bad-state.yaml', 'nodes:\n  - { nam: n1 }\n');
    const words = ['--manifests', services, '--features', bad, '--state', state];
    const { exitCode, stdout, stderr } = await run(...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('bad.yaml:5:');
    expect(stderr).toContain('bad-state.yaml:2:7: nodes[0].nam');
    expect(stderr).toContain('unknown field (did you mean name?)');
  });
});

test('help', async () => {
  const { exitCode, stdout } = await run('--help');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Usage: kube-ipvs lb plan [flags]');
});
