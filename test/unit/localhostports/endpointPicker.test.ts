import { expect, test } from '@jest/globals';
import { EndpointPicker } from '../../../src/localhostports/endpointPicker.ts';
import type { Forward } from '../../../src/localhostports/forward.ts';
import type { Endpoint } from '../../../src/model/servicePort.ts';

const endpoint = (n: number): Endpoint => ({
  address: `10.0.0.${n}`,
  port: 80,
  isReady: true,
  isServing: true,
  isTerminating: false,
  isLocal: false,
  source: `ns/s#${n}`,
});

function forward(numbers: readonly number[], affinityTimeoutSec?: number): Forward {
  const affinity = affinityTimeoutSec === undefined ? {} : { affinityTimeoutSec };
  return { label: 'ns/web', nodePort: 30_080, endpoints: numbers.map(endpoint), ...affinity };
}

function harness() {
  let nowMs = 0;
  const picker = new EndpointPicker(() => nowMs);
  const pick = (from: Forward, client: string, ...tried: string[]) =>
    picker.pick(from, client, new Set(tried))?.address.slice(-1);
  /** A connection of this moment. */
  const connect = (from: Forward, client: string) => {
    const found = picker.pick(from, client)!;
    return { to: found.address.slice(-1), end: picker.opened(from, client, found) };
  };
  return { picker, pick, connect, wait: (ms: number) => (nowMs += ms) };
}

test('without affinity endpoints take turns, and each is tried once', () => {
  const { pick } = harness();
  const three = forward([1, 2, 3]);
  expect([1, 2, 3, 4].map(() => pick(three, 'c'))).toEqual(['1', '2', '3', '1']);
  expect(pick(three, 'c', '10.0.0.1:80', '10.0.0.3:80')).toBe('2');
  expect(pick(three, 'c', '10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80')).toBeUndefined();
});

test('with affinity a client keeps its endpoint, another one has its own', () => {
  const { connect } = harness();
  const sticky = forward([1, 2, 3], 10);
  const first = connect(sticky, '127.0.0.1');
  first.end();
  const others = [1, 2, 3].map(() => connect(sticky, '127.0.0.1').to);
  expect(new Set(others)).toEqual(new Set([first.to]));
  expect(connect(sticky, '127.0.0.2').to).not.toBe(first.to);
});

test('affinity ends so long after the last connection has ended', () => {
  const { connect, wait } = harness();
  const sticky = forward([1, 2], 10);
  const first = connect(sticky, 'c');
  wait(60_000);
  expect(connect(sticky, 'c').to).toBe(first.to);
  const second = connect(sticky, 'd');
  second.end();
  wait(9_999);
  const third = connect(sticky, 'd');
  expect(third.to).toBe(second.to);
  third.end();
  wait(10_000);
  expect(connect(sticky, 'd').to).not.toBe(second.to);
});

test('an endpoint that is gone or not reached loses its clients', () => {
  const { connect, pick } = harness();
  const first = connect(forward([1, 2, 3], 10), 'c');
  const left = [1, 2, 3].filter((n) => String(n) !== first.to);
  expect(left.map(String)).toContain(pick(forward(left, 10), 'c'));
  const moved = pick(forward([1, 2, 3], 10), 'c', `10.0.0.${first.to}:80`);
  expect(moved).not.toBe(first.to);
  const next = connect(forward(left, 10), 'c');
  first.end();
  expect(connect(forward([1, 2, 3], 10), 'c').to).toBe(next.to);
});

test('of very many clients the longest unused are forgotten', () => {
  const { connect } = harness();
  const sticky = forward([1, 2], 10);
  const first = connect(sticky, 'first');
  const second = connect(sticky, 'second');
  for (let i = 0; i < 1_023; i++) connect(sticky, `other ${i}`).end();
  const kept = connect(sticky, 'second');
  expect(kept.to).toBe(second.to);
  // Forgotten, and the turn is the other endpoint's: 1,025 were picked before.
  expect(connect(sticky, 'first').to).not.toBe(first.to);
});
