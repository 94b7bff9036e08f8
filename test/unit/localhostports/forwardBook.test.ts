import { beforeEach, expect, test } from '@jest/globals';
import { ForwardBook } from '../../../src/localhostports/forwardBook.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

let store: ClusterStore;
let book: ForwardBook;
beforeEach(() => {
  store = new ClusterStore();
  book = new ForwardBook(store, 'node-1');
});

function put(state: ObjectState): void {
  const change = store.put(state);
  if (change !== undefined) book.changed(change);
}

const PORT = { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 };

function service(spec: object = {}, name = 'web'): void {
  const metadata = { name, namespace: 'default' };
  const { object } = slimService(
    rawService({ type: 'NodePort', ports: [PORT], ...spec }, { metadata }),
  );
  put({ kind: 'Service', key: `default/${name}`, object });
}

type RawEndpoint = Readonly<Record<string, unknown>>;

function endpoints(...list: readonly RawEndpoint[]): void {
  const { object } = slimEndpointSlice(rawSlice({ endpoints: list }));
  put({ kind: 'EndpointSlice', key: 'default/web-1', object });
}

const at = (address: string, more: RawEndpoint = {}): RawEndpoint => ({
  addresses: [address],
  ...more,
});

/** `30080 default/web:http -> 10.244.1.5:8080` */
function forwards(): string[] {
  return [...book.forwards.values()].map(({ nodePort, label, endpoints: all }) => {
    const to = all.map(({ address, port }) => `${address}:${port}`);
    return `${nodePort} ${label} -> ${to.join(' ')}`;
  });
}

test('a TCP nodePort leads to the endpoints of every node, whatever the external policy', () => {
  service({ externalTrafficPolicy: 'Local' });
  endpoints(at('10.244.1.5', { nodeName: 'node-1' }), at('10.244.2.5', { nodeName: 'node-2' }));
  expect(book.settle()).toBe(true);
  expect(forwards()).toEqual(['30080 default/web:http -> 10.244.1.5:8080 10.244.2.5:8080']);
  expect(book.settle()).toBe(false);
});

test.each([
  ['UDP', { ports: [{ ...PORT, protocol: 'UDP' }] }],
  ['no nodePort', { type: 'ClusterIP', ports: [{ ...PORT, nodePort: 0 }] }],
  ['IPv6', { clusterIPs: ['fd00::10'] }],
])('nothing is forwarded for %s', (_, spec) => {
  service(spec);
  endpoints(at('10.244.1.5'));
  book.settle();
  expect(forwards()).toEqual([]);
});

test('without a usable endpoint there is nothing, so that the kernel refuses', () => {
  service();
  endpoints(at('10.244.1.5', { conditions: { ready: false } }));
  book.settle();
  expect(forwards()).toEqual([]);
  endpoints(at('10.244.1.5', { conditions: { ready: false, serving: true, terminating: true } }));
  expect(book.settle()).toBe(true);
  expect(forwards()).toHaveLength(1);
  endpoints();
  expect(book.settle()).toBe(true);
  expect(forwards()).toEqual([]);
});

test('a Service that goes, or gives its nodePort up, takes it along', () => {
  service();
  endpoints(at('10.244.1.5'));
  book.settle();
  service({ ports: [{ ...PORT, nodePort: 30_081 }] });
  book.settle();
  expect(forwards()).toEqual(['30081 default/web:http -> 10.244.1.5:8080']);
  service({ type: 'ClusterIP', ports: [{ ...PORT, nodePort: 0 }] });
  book.settle();
  expect(forwards()).toEqual([]);
  put({ kind: 'Service', key: 'default/web', object: undefined });
  expect(book.settle()).toBe(false);
});

test('affinity comes with its time', () => {
  service({
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } },
  });
  endpoints(at('10.244.1.5'));
  book.settle();
  expect([...book.forwards.values()][0]!.affinityTimeoutSec).toBe(7);
});

test('hints for the zone of this node are heeded, also when the zone is told later', () => {
  const hinted = (address: string, zone: string) =>
    at(address, { hints: { forZones: [{ name: zone }] } });
  service();
  endpoints(hinted('10.244.1.5', 'a'), hinted('10.244.2.5', 'b'));
  book.settle();
  const labels = { 'topology.kubernetes.io/zone': 'b' };
  const { object } = slimNode({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', labels },
    spec: {},
    status: {},
  });
  put({ kind: 'Node', key: 'node-1', object });
  expect(book.settle()).toBe(true);
  expect(forwards()).toEqual(['30080 default/web:http -> 10.244.2.5:8080']);
});

test('what has no nodePort costs nothing', () => {
  service({ type: 'ClusterIP', ports: [{ ...PORT, nodePort: 0 }] });
  endpoints(at('10.244.1.5'));
  expect(book.settle()).toBe(false);
});
