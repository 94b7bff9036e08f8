import { expect, test } from '@jest/globals';
import type { Pool } from '../../../../src/config/loadBalancer/settings.ts';
import { AnnouncementBook } from '../../../../src/loadbalancer/announcer/announcementBook.ts';
import { ClusterStore, type ObjectState } from '../../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../../src/model/slimService.ts';
import {
  pool,
  service,
  type ServiceWords,
  settingsOf,
} from '../../../support/loadbalancer/balanced.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';

const OFFICE = pool('office', '192.0.2.64/28');

class Cluster {
  readonly store = new ClusterStore();
  readonly book: AnnouncementBook;

  constructor(pools: readonly Pool[] = [OFFICE], serveUnclassed = false) {
    this.book = new AnnouncementBook(settingsOf(pools, {}, serveUnclassed), this.store);
  }

  put(state: ObjectState): void {
    const change = this.store.put(state);
    if (change !== undefined) this.book.changed(change);
  }

  service(name: string, words: ServiceWords | undefined): void {
    const key = `default/${name}`;
    const balanced = words && service(name, { reason: 'Assigned', ...words });
    const slim = slimService(rawService()).object!;
    const object = balanced && { ...slim, balanced };
    this.put({ kind: 'Service', key, object });
  }

  /** `192.0.2.64 office: default/a default/b`, and those that are gone. */
  news(): readonly string[] {
    const { changed, gone } = this.book.take();
    const told = changed.map(
      ({ address, pool: of, services }) =>
        `${address} ${of ?? '-'}: ${services.map(({ key }) => key).join(' ')}`,
    );
    return [...told, ...gone.map((address) => `${address} gone`)];
  }
}

test('each address once with the Services on it, as they come, change and go', () => {
  const cluster = new Cluster();
  cluster.service('b', { has: '192.0.2.64' });
  cluster.service('a', { has: '192.0.2.64 192.0.2.65' });
  expect(cluster.news()).toEqual([
    '192.0.2.64 office: default/a default/b',
    '192.0.2.65 office: default/a',
  ]);
  expect(cluster.news()).toEqual([]);
  cluster.service('a', { has: '192.0.2.65' });
  expect(cluster.news()).toEqual(['192.0.2.64 office: default/b', '192.0.2.65 office: default/a']);
  cluster.service('a', undefined);
  cluster.service('b', undefined);
  expect(cluster.news()).toEqual(['192.0.2.65 gone', '192.0.2.64 gone']);
  expect([...cluster.book.addresses]).toEqual([]);
});

test('what others wrote over an address of ours is not announced, class or not', () => {
  const { conditions } = service('a', { has: '192.0.2.64', reason: 'Assigned' });
  const ingress = [{ ip: '192.0.2.65', ipMode: 'VIP' }];
  const status = { loadBalancer: { ingress }, conditions };
  const cluster = new Cluster([OFFICE], true);
  for (const lbClass of [null, undefined]) {
    cluster.service('a', { has: '192.0.2.64', ...(lbClass === null ? { lbClass } : {}) });
    expect(cluster.news()).toEqual(['192.0.2.64 office: default/a']);
    cluster.service('a', { status, ...(lbClass === null ? { lbClass } : {}) });
    expect(cluster.news()).toEqual(['192.0.2.64 gone']);
  }
});

test.each<[why: string, words: ServiceWords]>([
  ['somebody else wrote the status', { has: '192.0.2.64', reason: undefined as never }],
  ['it is of another class', { has: '192.0.2.64', lbClass: 'cloud.example/lb' }],
  ['it has no class, and such ones are not served', { has: '192.0.2.64', lbClass: null }],
  ['it is no load balancer any more', { has: '192.0.2.64', spec: { type: 'ClusterIP' } }],
  ['nothing is assigned', { reason: 'PoolsExhausted' }],
  [
    'a proxy has the address',
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.64', ipMode: 'Proxy' }] } } },
  ],
  ['it is a host name', { status: { loadBalancer: { ingress: [{ hostname: 'a.example' }] } } }],
])('nothing is announced where %s', (_, words) => {
  const cluster = new Cluster();
  cluster.service('a', words);
  expect(cluster.news()).toEqual([]);
});

test('Services without a class where they are served', () => {
  const cluster = new Cluster([OFFICE], true);
  cluster.service('a', { has: '192.0.2.64', lbClass: null });
  expect(cluster.news()).toEqual(['192.0.2.64 office: default/a']);
});

test('an address of no pool, or of one that does not admit the Service, is out of pool', () => {
  const cluster = new Cluster([{ ...OFFICE, namespaces: ['shop'] }]);
  cluster.service('a', { has: '192.0.2.64 198.51.100.1' });
  expect(cluster.news()).toEqual(['192.0.2.64 -: default/a', '198.51.100.1 -: default/a']);
});

test('labels of a Namespace let it in', () => {
  const selectors = [{ matchLabels: { env: 'prod' } }];
  const cluster = new Cluster([{ ...OFFICE, namespaceSelectors: selectors }]);
  cluster.service('a', { has: '192.0.2.64' });
  expect(cluster.news()).toEqual(['192.0.2.64 -: default/a']);
  const object = { name: 'default', labels: { env: 'prod' } };
  cluster.put({ kind: 'Namespace', key: 'default', object });
  expect(cluster.news()).toEqual(['192.0.2.64 office: default/a']);
});

test('endpoints are told with their nodes, of the family, when they change', () => {
  const cluster = new Cluster();
  cluster.service('web', { has: '192.0.2.64' });
  expect(cluster.book.take().changed[0]!.services[0]!.endpoints.isAny).toBe(false);
  const endpoints = [
    { addresses: ['10.0.0.1'], nodeName: 'n1', conditions: { ready: true } },
    { addresses: ['10.0.0.2'], nodeName: 'n2', conditions: { ready: false } },
  ];
  const slice = slimEndpointSlice(rawSlice({ endpoints })).object!;
  cluster.put({ kind: 'EndpointSlice', key: 'default/web-1', object: slice });
  const [told] = cluster.book.take().changed;
  expect(told!.services[0]!.endpoints).toEqual({ isAny: true, nodes: new Set(['n1']) });
  cluster.put({ kind: 'EndpointSlice', key: 'default/web-1', object: undefined });
  expect(cluster.book.take().changed[0]!.services[0]!.endpoints.isAny).toBe(false);
});

test('of all of them, for a thread that knows nothing', () => {
  const cluster = new Cluster();
  cluster.service('a', { has: '192.0.2.64' });
  cluster.news();
  expect(cluster.book.all().map(({ address }) => address)).toEqual(['192.0.2.64']);
  expect(structuredClone(cluster.book.all())).toEqual(cluster.book.all());
});
