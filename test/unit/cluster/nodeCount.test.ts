import { expect, test } from '@jest/globals';
import { countNodes, NodeCount } from '../../../src/cluster/nodeCount.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { apiError, ScriptedTransport } from './scriptedTransport.ts';

const one = { metadata: { name: 'n1' } };
const listWith = (metadata: object, items: unknown = [one]) => ({ metadata, items });

test.each([
  ['one and those that the server left out', listWith({ remainingItemCount: 4_999 }), 5_000],
  ['all, where it left out none', listWith({ resourceVersion: '1' }), 1],
  ['all, where a server knows no limit', listWith({}, [one, one, one]), 3],
  ['nobody, of an empty cluster', listWith({}, null), 0],
  ['what is there, of a number that is none', listWith({ remainingItemCount: 'many' }), 1],
])('counts %s', async (_, list, count) => {
  const transport = new ScriptedTransport();
  transport.answerLists(list);
  await expect(countNodes(transport)).resolves.toBe(count);
  expect(transport.requests).toEqual([
    { method: 'LIST', path: '/api/v1/nodes', query: { limit: '1' } },
  ]);
});

function counting() {
  const [clock, transport] = [new FakeClock(), new ScriptedTransport()];
  transport.answerLists(listWith({ remainingItemCount: 9 }), listWith({ remainingItemCount: 19 }));
  const nodes = new NodeCount({ transport, timing: clock, random: () => 0.5 });
  return { clock, transport, nodes };
}

test('is asked after a moment by chance, and not again within the hour', async () => {
  const { clock, transport, nodes } = counting();
  const first = nodes.current();
  await clock.advance(999);
  expect(transport.requests).toEqual([]);
  await clock.advance(1);
  await expect(first).resolves.toBe(10);
  await clock.advance(3_598_000);
  await expect(nodes.current()).resolves.toBe(10);
  await clock.advance(1_000);
  const later = nodes.current();
  await clock.advance(1_000);
  await expect(later).resolves.toBe(20);
});

test('that nobody answers is told to who asks, and asked for anew', async () => {
  const { clock, transport, nodes } = counting();
  transport.answerLists(apiError(503, 'ServiceUnavailable'), listWith({}));
  const refused = nodes.current().catch(String);
  await clock.advance(1_000);
  expect(await refused).toContain('503');
  const next = nodes.current();
  await clock.advance(1_000);
  await expect(next).resolves.toBe(1);
});

test('nobody waits any more once it is closed', async () => {
  const { transport, nodes } = counting();
  const ended = nodes.current().catch(String);
  nodes.close();
  expect(await ended).toContain('aborted');
  await settle();
  expect(transport.requests).toEqual([]);
});
