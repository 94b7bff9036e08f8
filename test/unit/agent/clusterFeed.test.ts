import { beforeEach, expect, test } from '@jest/globals';
import { ClusterFeed } from '../../../src/agent/clusterFeed.ts';
import type { ClusterChange, ObjectState } from '../../../src/model/clusterStore.ts';
import type { NodeResource } from '../../../src/model/resources.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimNode } from '../../../src/model/slimNode.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';
import { tell } from '../../support/objects/tell.ts';
import { settle } from '../../support/program/fakeClock.ts';

let feed: ClusterFeed;
let seen: ClusterChange[];
let heard: ClusterChange[];
const target = { change: (change: ClusterChange) => void seen.push(change) };

function open(bindAddress = '0.0.0.0'): void {
  feed = new ClusterFeed('node-1', bindAddress, {
    onChange: (change) => heard.push(change),
    onProblems: () => undefined,
    onStatus: () => undefined,
  });
}

beforeEach(() => {
  seen = [];
  heard = [];
  open();
});

const node = (name: string, address?: string): ObjectState => {
  const status = { addresses: [{ type: 'InternalIP', address: address ?? '192.0.2.1' }] };
  return { kind: 'Node', key: name, object: slimNode({ metadata: { name }, status }).object };
};
const gone = (name: string): ObjectState => ({ kind: 'Node', key: name, object: undefined });
const service: ObjectState = {
  kind: 'Service',
  key: 'default/web',
  object: slimService(rawService()).object,
};
const slice: ObjectState = {
  kind: 'EndpointSlice',
  key: 'default/web-1',
  object: slimEndpointSlice(rawSlice()).object,
};
const keys = () => seen.map(({ kind, key, object }) => `${object ? '+' : '-'} ${kind} ${key}`);

test('everything known is replayed into a new target, which then hears of each change', () => {
  for (const change of [service, slice, node('node-2')]) tell(feed, change);
  expect(seen).toEqual([]);
  feed.direct(target);
  tell(feed, gone('node-2'));
  expect(keys()).toEqual([
    '+ Node node-2',
    '+ EndpointSlice default/web-1',
    '+ Service default/web',
    '- Node node-2',
  ]);
  expect(heard).toHaveLength(4);
});

test("the Node of this name that goes is this node's no more, and what it said last holds", () => {
  feed.direct(target);
  tell(feed, node('node-1'));
  tell(feed, gone('node-1'));
  expect(keys()).toEqual(['+ Node node-1']);
  expect(heard).toHaveLength(2);
  expect(feed.ownNode).toBeUndefined();
  expect(feed.lastOwnNode?.name).toBe('node-1');
  seen = [];
  feed.direct(target);
  expect(keys()).toEqual(['+ Node node-1']);
});

test('a bindAddress stands for the address of this Node alone', () => {
  open('192.0.2.77');
  feed.direct(target);
  tell(feed, node('node-1'));
  tell(feed, node('node-2'));
  const addresses = seen.map(({ object }) => (object as NodeResource).addresses);
  expect(addresses).toEqual([['192.0.2.77'], ['192.0.2.1']]);
  expect(feed.ownNode?.addresses).toEqual(['192.0.2.77']);
});

test('it is synced when the source says so', async () => {
  feed.onSynced();
  await feed.synced;
});

test('a kind is listed when the source says so of it, and one that all need with the others', async () => {
  const isListed = async (kind: 'Namespace' | 'Node') =>
    Promise.race([feed.listed(kind).then(() => true), settle()]);
  feed.onKindStatus({ kind: 'Namespace', isListed: false, failure: 'list namespaces: 403' });
  expect([await isListed('Namespace'), await isListed('Node')]).toEqual([undefined, undefined]);
  feed.onSynced();
  expect([await isListed('Namespace'), await isListed('Node')]).toEqual([undefined, true]);
  feed.onKindStatus({ kind: 'Namespace', isListed: true });
  expect(await isListed('Namespace')).toBe(true);
});

test('its Node is read when the source has told it, or told everything without it', async () => {
  const isRead = async () => Promise.race([feed.nodeRead.then(() => true), settle()]);
  tell(feed, node('node-2'));
  expect(await isRead()).toBeUndefined();
  tell(feed, node('node-1'));
  expect(await isRead()).toBe(true);
  open();
  feed.onSynced();
  expect(await isRead()).toBe(true);
});

test('what the source says of objects, of itself and of a kind is passed on', () => {
  const said: unknown[] = [];
  feed = new ClusterFeed('node-1', '0.0.0.0', {
    onChange: () => undefined,
    onProblems: (origin, problems) => said.push([origin, problems]),
    onStatus: (status) => said.push(status),
    onKindStatus: (status) => said.push(status),
  });
  const problem = { path: 'Service/default/web', value: 1, problem: 'is wrong' };
  const status = { isConnected: false, isFailing: true, detail: 'refused' };
  const kind = { kind: 'Service', isListed: true } as const;
  feed.onProblems('Service/default/web', [problem]);
  feed.onStatus(status);
  feed.onKindStatus(kind);
  expect(said).toEqual([['Service/default/web', [problem]], status, kind]);
});
