/**
 * As whom the source talks to a real kube-apiserver: certificates, tokens, rights; and that its
 * Events are taken.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiClient } from '../../src/cluster/client.ts';
import { EventRecorder } from '../../src/cluster/events.ts';
import { loadClusterAccess } from '../../src/cluster/kubeconfig.ts';
import { serviceUid } from '../../src/cluster/serviceUid.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { ClientAuthority } from './clientAuthority.ts';
import { TunnelProxy } from './tunnelProxy.ts';
import { waitFor } from './waitFor.ts';
import { service, Witness, writeKubeconfig } from './witness.ts';

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

  /** @param script of a shell; $TOKEN, $CERTIFICATE and $KEY are what the server takes */
  const plugin = (name: string, script: string): object => {
    const file = path.join(plane.folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const oneLine = (pem: string) => JSON.stringify(readFileSync(pem, 'utf8')).slice(1, -1);
    const env = {
      TOKEN: plane.token,
      CERTIFICATE: oneLine(authority.certificateFile),
      KEY: oneLine(authority.keyFile),
    };
    return {
      apiVersion: 'client.authentication.k8s.io/v1',
      interactiveMode: 'IfAvailable',
      command: `./${name}`,
      env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    };
  };

  test('a plug-in whose first answer has no status, and whose second has', async () => {
    const script =
      'test -e "$0.asked" && printf \'{"status":{"token":"%s"}}\' "$TOKEN" || echo "{}"; touch "$0.asked"';
    const witness = await started({ exec: plugin('forgetful', script) });
    await waitFor('status', () => witness.status !== undefined);
    expect(witness.status?.detail).toContain('forgetful: it printed no status');
    await waitFor('sync', () => witness.synced === 1);
  });

  test('a plug-in that gives a client certificate', async () => {
    const script = `printf '{"status":{"clientCertificateData":"%s","clientKeyData":"%s"}}' "$CERTIFICATE" "$KEY"`;
    const witness = await started({ exec: plugin('certifier', script) });
    await waitFor('sync', () => witness.synced === 1);
  });

  test('a plug-in that asks for a code finds nobody, and says so', async () => {
    const script = 'if read -r code; then echo unused; else echo "no code" >&2; exit 1; fi';
    const witness = await started({ exec: plugin('asker', script) });
    await waitFor('status', () => witness.status !== undefined);
    expect(witness.status?.detail).toContain('asker: it ended with exit code 1: no code');
  });

  test('a plug-in that hangs does not hold up a stop', async () => {
    const witness = await started({ exec: plugin('hanger', 'touch "$0.hangs"; sleep 1000') });
    await waitFor('its start', () => existsSync(path.join(plane.folder, 'hanger.hangs')));
    await witness.stop();
    witnesses.pop();
  });

  test('a token through a proxy, which the watches go through too', async () => {
    const proxy = new TunnelProxy();
    const url = await proxy.start();
    try {
      const witness = await started({ token: plane.token }, { 'proxy-url': url });
      await waitFor('sync', () => witness.synced === 1);
      await waitFor('connected', () => witness.status?.isConnected === true);
      await plane.objects.create(service('proxied'));
      await waitFor('the Service', () => witness.has('proxied'));
      expect(new Set(proxy.targets)).toEqual(new Set([new URL(plane.url).host]));
    } finally {
      await proxy.stop();
    }
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
  readonly regarding: { readonly kind: string; readonly name: string };
  readonly reason: string;
  readonly reportingController?: string;
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
        after: (ms, action) => clock.after(ms, action),
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

  test('of what every node sees are one in the cluster, whoever comes first', async () => {
    const logged: string[] = [];
    const access = loadClusterAccess({
      kubeconfig: writeKubeconfig(plane, 'shared-events', { token: plane.token }),
    });
    const transport = new ApiClient({ access, userAgent: 'x', qps: -1, burst: 0, timing: clock });
    await plane.objects.create(service('shared'));
    let nowMs = 0;
    const recorders = ['node-a', 'node-b'].map(
      (nodeName) =>
        new EventRecorder({
          transport,
          timing: {
            wallMs: () => Date.now(),
            monotonicMs: () => nowMs,
            sleep: (ms, signal) => clock.sleep(ms, signal),
            after: (ms, action) => clock.after(ms, action),
          },
          random: Math.random,
          nodeName,
          log: (message) => logged.push(message),
          uidOf: (subject, signal) => serviceUid(transport, subject, signal),
        }),
    );
    const shared = {
      regarding: { kind: 'Service', namespace: 'default', name: 'shared' },
      type: 'Warning',
      reason: 'AddressTaken',
      action: 'Proxy',
      note: 'belongs to another',
      about: 'Service/default/shared.spec.externalIPs[0]',
    } as const;
    for (const recorder of recorders) recorder.record(shared);
    nowMs += 6 * 60_000;
    for (const recorder of recorders) recorder.record(shared);
    for (const recorder of recorders) await recorder.close();
    transport.close();
    expect(logged).toEqual([]);
    const list = await plane.objects.list('events.k8s.io/v1', 'Event');
    const ours = (list as unknown as readonly PostedEvent[]).filter(
      ({ regarding, reportingController }) =>
        regarding.name === 'shared' && reportingController === 'kube-ipvs',
    );
    expect(ours).toHaveLength(1);
    expect(ours[0]?.series?.count).toBe(2);
    // As kubectl describe asks.
    const url = '/api/v1/namespaces/default/services/shared';
    const { text } = await plane.objects.request('GET', url);
    const { metadata } = JSON.parse(text) as { readonly metadata: { readonly uid: string } };
    const fields = `involvedObject.kind=Service,involvedObject.name=shared,involvedObject.uid=${metadata.uid}`;
    const selector = new URLSearchParams({ fieldSelector: fields }).toString();
    const found = await plane.objects.request(
      'GET',
      `/api/v1/namespaces/default/events?${selector}`,
    );
    const { items } = JSON.parse(found.text) as { items: { reportingComponent: string }[] };
    // The API server may have a word of its own about a new Service's cluster IP.
    expect(items.filter((item) => item.reportingComponent === 'kube-ipvs')).toHaveLength(1);
  });
});
