import { beforeEach, expect, test } from '@jest/globals';
import { HealthCheckBook } from '../../../src/healthports/healthCheckBook.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

let store: ClusterStore;
let book: HealthCheckBook;
beforeEach(() => {
  store = new ClusterStore();
  book = new HealthCheckBook(store, 'node-1');
});

function put(state: ObjectState): void {
  const change = store.put(state);
  if (change !== undefined) book.changed(change);
}

/** @param port none: the Service is not there any more */
function service(port?: number, externalTrafficPolicy = 'Local'): void {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy, healthCheckNodePort: port };
  const object = port === undefined ? undefined : slimService(rawService(spec)).object;
  put({ kind: 'Service', key: 'default/web', object });
}

function endpoints(...addresses: readonly string[]): void {
  const here = addresses.map((address) => ({ addresses: [address], nodeName: 'node-1' }));
  const { object } = slimEndpointSlice(rawSlice({ endpoints: here }));
  put({ kind: 'EndpointSlice', key: 'default/web-1', object });
}

function round(): boolean {
  book.roundBegan();
  return book.roundDone();
}

/** `31070: 2` */
const inForce = () =>
  [...book.inForce.values()].flat().map(({ port, localEndpoints }) => `${port}: ${localEndpoints}`);

test('what changes counts when the round is done that took it', () => {
  service(31_070);
  endpoints('10.244.1.5');
  expect(inForce()).toEqual([]);
  book.roundBegan();
  expect(inForce()).toEqual([]);
  endpoints('10.244.1.5', '10.244.1.6');
  expect(book.roundDone()).toBe(true);
  expect(inForce()).toEqual(['31070: 1']);
  expect(round()).toBe(true);
  expect(inForce()).toEqual(['31070: 2']);
});

test('what a round took that was given up counts after the next', () => {
  service(31_070);
  endpoints('10.244.1.5');
  book.roundBegan();
  endpoints();
  expect(round()).toBe(true);
  expect(inForce()).toEqual(['31070: 0']);
  service(31_071);
  book.roundBegan();
  expect(round()).toBe(true);
  expect(inForce()).toEqual(['31071: 0']);
});

test('the slice may come first', () => {
  endpoints('10.244.1.5');
  expect(round()).toBe(false);
  service(31_070);
  round();
  expect(inForce()).toEqual(['31070: 1']);
});

test('a slice that goes takes its endpoints along', () => {
  service(31_070);
  endpoints('10.244.1.5');
  round();
  put({ kind: 'EndpointSlice', key: 'default/web-1', object: undefined });
  expect(round()).toBe(true);
  expect(inForce()).toEqual(['31070: 0']);
});

test('so does one that is given to another Service', () => {
  service(31_070);
  endpoints('10.244.1.5');
  round();
  const metadata = {
    name: 'web-1',
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'other' },
  };
  const { object } = slimEndpointSlice(rawSlice({ metadata }));
  put({ kind: 'EndpointSlice', key: 'default/web-1', object });
  expect(round()).toBe(true);
  expect(inForce()).toEqual(['31070: 0']);
});

test('a Service that goes, or is balanced otherwise, is not checked any more', () => {
  service(31_070);
  round();
  service(31_070, 'Cluster');
  expect(round()).toBe(true);
  expect(inForce()).toEqual([]);
  service(31_070);
  round();
  service();
  expect(round()).toBe(true);
  expect(inForce()).toEqual([]);
});

test('Services without such a port, and other objects, are nothing to it', () => {
  put({ kind: 'Service', key: 'default/web', object: slimService(rawService()).object });
  endpoints('10.244.1.5');
  put({ kind: 'Node', key: 'node-1', object: {} as never });
  expect(round()).toBe(false);
});
