/** As whom the source talks to a real kube-apiserver: certificates, tokens, rights; and that its Events are taken. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiClient } from '../../src/cluster/client.ts';
import { EventRecorder } from '../../src/cluster/events.ts';
import { loadClusterAccess } from '../../src/cluster/kubeconfig.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { ApiServer } from '../support/apiServer.ts';
import { ClientAuthority } from './clientAuthority.ts';
import { waitFor } from './waitFor.ts';
import { Witness, writeKubeconfig } from './witness.ts';

const clock = new SystemClock();
const authority = new ClientAuthority();
let plane: ApiServer;

beforeAll(async () => {
  plane = await ApiServer.start({ flags: [`--client-ca-file=${authority.caFile}`] });
}, 120_000);

afterAll(async () => {
  await plane?.stop();
  authority.remove();
}, 30_000);

/** A new ServiceAccount and a bound token for it. */
async function serviceAccountToken(name: string): Promise<string> {
  const metadata = { name, namespace: 'default' };
  await plane.objects.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const url = `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
  const { text } = await plane.objects.request('POST', url, request);
  return (JSON.parse(text) as { status: { token: string } }).status.token;
}

describe('credentials', () => {
  const witnesses: Witness[] = [];
  const started = async (user: object, cluster: object = {}): Promise<Witness> => {
    const file = writeKubeconfig(plane, `kubeconfig-${witnesses.length}`, user, cluster);
    const witness = new Witness(file);
    witnesses.push(witness);
    await witness.start();
    return witness;
  };
  afterEach(() => Promise.all(witnesses.splice(0).map((witness) => witness.stop())));

  test('a token over verified TLS', async () => {
    const witness = await started({ token: plane.token });
    await waitFor('sync', () => witness.synced === 1);
    await waitFor('connected', () => witness.status?.isConnected === true);
    expect(witness.status?.detail).toBe(`watching services, endpointslices, nodes at ${plane.url}`);
    expect(witness.client.peerAddresses).toEqual(new Set(['127.0.0.1']));
  });

  test('a client certificate', async () => {
    const witness = await started({
      'client-certificate': authority.certificateFile,
      'client-key': authority.keyFile,
    });
    await waitFor('sync', () => witness.synced === 1);
  });

  test('a certificate of another authority is refused, and it is said why', async () => {
    const witness = await started(
      { token: plane.token },
      { 'certificate-authority': authority.caFile },
    );
    await waitFor('status', () => witness.status !== undefined);
    expect(witness.status?.isConnected).toBe(false);
    expect(witness.status?.detail).toContain("the server's certificate is not accepted");
  });

  test('a wrong token', async () => {
    const witness = await started({ token: 'wrong' });
    await waitFor('status', () => witness.status !== undefined);
    expect(witness.status?.detail).toContain('does not accept the credentials');
    expect(witness.synced).toBe(0);
  });

  test('an identity without rights: verb, resource and group are named; a ClusterRole cures it while it runs', async () => {
    const witness = await started({ token: await serviceAccountToken('proxy') });
    await waitFor('three failures', () => witness.status?.detail.includes('likewise') === true);
    expect(witness.status?.detail).toContain('lacks the verb "list" on "services" in API group ""');
    await plane.objects.create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'proxy' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:node-proxier',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'proxy', namespace: 'default' }],
    });
    await waitFor('sync', () => witness.synced === 1);
  });
});

interface PostedEvent {
  readonly regarding: { readonly kind: string };
  readonly reason: string;
  readonly series?: { readonly count: number };
}

describe('events', () => {
  test('are accepted by the server, and repeated as a series', async () => {
    const logged: string[] = [];
    const access = loadClusterAccess({
      kubeconfig: writeKubeconfig(plane, 'events', { token: plane.token }),
    });
    const transport = new ApiClient({ access, userAgent: 'x', qps: -1, burst: 0, timing: clock });
    let nowMs = 0;
    const recorder = new EventRecorder({
      transport,
      timing: {
        wallMs: () => Date.now(),
        monotonicMs: () => nowMs,
        sleep: (ms) => clock.sleep(ms),
      },
      random: Math.random,
      nodeName: 'node-a',
      log: (message) => logged.push(message),
    });
    const regarding = { kind: 'Service', namespace: 'default', name: 'web' } as const;
    const event = {
      regarding,
      type: 'Warning',
      reason: 'Odd',
      action: 'Look',
      note: 'odd',
    } as const;
    recorder.record({ ...event, regarding: { kind: 'Node', name: 'node-a' }, type: 'Normal' });
    recorder.record(event);
    nowMs += 6 * 60_000;
    recorder.record(event);
    await recorder.close();
    transport.close();
    expect(logged).toEqual([]);
    const list = await plane.objects.list('events.k8s.io/v1', 'Event');
    const items = list as unknown as readonly PostedEvent[];
    const ours = items.filter((item) => item.reason === 'Odd');
    const counts = new Map(ours.map((item) => [item.regarding.kind, item.series?.count]));
    expect(ours).toHaveLength(2);
    expect(counts).toEqual(
      new Map([
        ['Node', undefined],
        ['Service', 2],
      ]),
    );
  });
});
