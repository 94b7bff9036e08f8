import { describe, expect, test } from '@jest/globals';
import { addressReports } from '../../../../src/loadbalancer/announcer/report.ts';
import { UNANNOUNCED_AFTER_MS } from '../../../../src/loadbalancer/announcer/unannounced.ts';
import {
  announced,
  firstOf,
  OURS,
  owning,
  sha256,
  type TestAnnouncer,
  THEIRS,
  upAndListening,
} from '../../../support/loadbalancer/announcing.ts';
import { pool, settingsOf } from '../../../support/loadbalancer/balanced.ts';

/** No Service that has it has an endpoint. */
function without(address: string, on: readonly string[] = []): TestAnnouncer {
  const node = upAndListening();
  node.announcer.setAddress(announced(address, [...on]), node.nowMs);
  node.after(0);
  return node;
}

const take = (node: TestAnnouncer) => node.announcer.takeUnannounced(node.nowMs);

describe('an address that nobody announces is told of', () => {
  test('after a while, once', () => {
    const node = without(OURS);
    node.after(UNANNOUNCED_AFTER_MS - 1);
    expect(take(node)).toEqual([]);
    node.after(1);
    expect(take(node)).toEqual([OURS]);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
  });

  test('by one of those that hear each other', () => {
    const node = without(THEIRS);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
    // The other one goes: it has told already.
    node.hear({ n2: { state: 'Dead' } });
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
  });

  test('by the next one, where the first is away', () => {
    const node = upAndListening();
    const speaker = firstOf(THEIRS, ['n1', 'n3']);
    node.hear({ n2: { state: 'Dead' }, ...(speaker === 'n3' && { n3: { isReady: false } }) });
    node.announcer.setAddress(announced(THEIRS, []), node.nowMs);
    node.after(0);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([THEIRS]);
  });

  test('again for another cause, and when it comes back', () => {
    const node = without(OURS);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([OURS]);
    const entry = {
      nodeSelectors: [{ matchLabels: { role: 'none' } }],
      serviceSelectors: [],
      interfaces: [],
      preferredNodes: [],
    };
    node.announcer.setAddress({ ...announced(OURS), pool: { announce: [entry] } }, node.nowMs);
    node.after(0);
    expect(take(node)).toEqual([]);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([OURS]);
    node.announce(OURS);
    node.after(0);
    node.announcer.setAddress({ ...announced(OURS), pool: { announce: [entry] } }, node.nowMs);
    node.after(0);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([OURS]);
  });
});

describe('nothing is told', () => {
  test('of what somebody announces, or may', () => {
    const node = without(OURS);
    node.hear({ n2: { claims: new Set([OURS]) } });
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
    const other = upAndListening();
    other.announce(OURS);
    other.after(UNANNOUNCED_AFTER_MS);
    expect(take(other)).toEqual([]);
  });

  test('of a pool that is announced nowhere on purpose', () => {
    const node = upAndListening();
    const routed = pool('routed', `${OURS}/32`, { announce: [] });
    node.announcer.setAddress({ ...announced(OURS), pool: routed }, node.nowMs);
    node.after(UNANNOUNCED_AFTER_MS);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
  });

  test('of what has gone', () => {
    const node = without(OURS);
    node.announcer.removeAddress(OURS, node.nowMs);
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
  });

  test('by a node that does not hear the others', () => {
    const node = without(OURS);
    node.deafen();
    node.after(UNANNOUNCED_AFTER_MS);
    expect(take(node)).toEqual([]);
    node.everHeard = new Set(['n2', 'n3']);
    node.hear({});
    node.after(0);
    expect(take(node)).toEqual([OURS]);
  });
});

test('what this node gave up on purpose is told as Released, not as Unable', () => {
  const node = owning({ holdDownMs: 60_000 });
  node.announcer.release([OURS], node.nowMs);
  node.after(0);
  const options = { node: 'n1', settings: settingsOf([]).announcer, sha256 };
  const excluded = () => addressReports(node.announcer, options, node.nowMs)[0]!.excluded;
  expect(excluded()).toEqual([{ node: 'n1', reason: 'Released' }]);
  node.serve();
  node.nowMs += 60_000;
  expect(excluded()).toEqual([{ node: 'n1', reason: 'Unable' }]);
});
