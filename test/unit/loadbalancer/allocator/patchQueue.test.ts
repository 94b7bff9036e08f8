import { expect, test } from '@jest/globals';
import { PatchQueue } from '../../../../src/loadbalancer/allocator/patchQueue.ts';
import { pool, run, service, settingsOf } from '../../../support/loadbalancer/balanced.ts';

const settings = settingsOf([pool('office', '192.0.2.1-192.0.2.9')]);

/** What is decided about Services that have the first address and want the second. */
function moving(...moves: readonly (readonly [name: string, has: string, wants: string])[]) {
  const services = moves.map(([name, has, wants]) =>
    service(name, {
      ...(has === '' ? {} : { has: `192.0.2.${has}`, reason: 'Assigned' }),
      annotations: { 'kube-ipvs.io/load-balancer-ips': `192.0.2.${wants}` },
    }),
  );
  return run(settings, services).decisions;
}

/** All that may begin now. */
function begin(queue: PatchQueue, nowMs = 0): string[] {
  const keys: string[] = [];
  for (let next = queue.next(nowMs); next !== undefined; next = queue.next(nowMs))
    keys.push(next.key.replace('default/', ''));
  return keys;
}

test('a chain goes from its free end', () => {
  const queue = new PatchQueue();
  queue.replace(moving(['a', '1', '2'], ['b', '2', '3'], ['c', '3', '4']));
  expect(begin(queue)).toEqual(['c']);
  expect(begin(queue)).toEqual([]);
  queue.done('default/c');
  expect(begin(queue)).toEqual(['b']);
  queue.done('default/b');
  expect(begin(queue)).toEqual(['a']);
});

test('a circle is broken at one place, and goes round from there', () => {
  const queue = new PatchQueue();
  queue.replace(moving(['a', '1', '2'], ['b', '2', '3'], ['c', '3', '1']));
  expect(begin(queue)).toEqual(['a']);
  queue.done('default/a');
  expect(begin(queue)).toEqual(['c']);
  queue.done('default/c');
  expect(begin(queue)).toEqual(['b']);
});

test('one that fails holds up who waits for its address, and nobody else', () => {
  const queue = new PatchQueue();
  queue.replace(moving(['a', '1', '2'], ['b', '2', '3'], ['c', '', '7']));
  expect(begin(queue)).toEqual(['b', 'c']);
  expect(queue.inFlight).toBe(2);
  queue.done('default/c');
  expect(queue.failed('default/b', 0)).toBe(1_000);
  expect([begin(queue, 999), queue.nextRetryMs(999)]).toEqual([[], 1_000]);
  expect(begin(queue, 1_000)).toEqual(['b']);
  expect(queue.failed('default/b', 1_000)).toBe(2_000);
  expect(begin(queue, 3_000)).toEqual(['b']);
  queue.done('default/b');
  expect(begin(queue, 3_000)).toEqual(['a']);
  queue.done('default/a');
  expect(queue.nextRetryMs(0)).toBeUndefined();
});

test('what is on its way counts for a decision that comes meanwhile', () => {
  const queue = new PatchQueue();
  queue.replace(moving(['a', '1', '2']));
  expect(begin(queue)).toEqual(['a']);
  queue.replace(moving(['b', '', '1']));
  expect(begin(queue)).toEqual([]);
  expect(queue.has('default/a')).toBe(true);
  queue.done('default/a');
  expect(begin(queue)).toEqual(['b']);
});

test('a failure that was decided otherwise meanwhile is forgotten', () => {
  const queue = new PatchQueue();
  const due = moving(['a', '', '1']);
  queue.replace(due);
  begin(queue);
  queue.failed('default/a', 0);
  queue.replace(new Map());
  expect([queue.has('default/a'), queue.nextRetryMs(0)]).toEqual([false, undefined]);
  queue.replace(due);
  expect(begin(queue, 0)).toEqual(['a']);
});

test('what is withdrawn is not begun', () => {
  const queue = new PatchQueue();
  queue.replace(moving(['a', '', '1'], ['b', '', '2']));
  queue.withdraw('default/a');
  expect(begin(queue)).toEqual(['b']);
});

test('the third conflict in a row is a reason to wait', () => {
  const queue = new PatchQueue();
  const due = moving(['a', '', '1']);
  for (const attempt of [1, 2, 3]) {
    queue.replace(due);
    expect([attempt, begin(queue, 0)]).toEqual([attempt, ['a']]);
    queue.replace(due);
    queue.conflicted('default/a', 0);
    expect(queue.has('default/a')).toBe(false);
    queue.replace(due);
  }
  expect([begin(queue, 0), queue.nextRetryMs(0)]).toEqual([[], 1_000]);
});
