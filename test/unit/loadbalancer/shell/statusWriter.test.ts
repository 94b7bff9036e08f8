/** What becomes of patches that the API server does not take as they are. */
import { expect, test } from '@jest/globals';
import { settle } from '../../../support/program/fakeClock.ts';
import { AllocatorHarness } from '../../../support/loadbalancer/allocatorHarness.ts';
import { pool, rawBalanced, settingsOf } from '../../../support/loadbalancer/balanced.ts';
import { refused } from '../../../support/loadbalancer/servicesServer.ts';

const harness = (ranges = '192.0.2.1-192.0.2.9') =>
  new AllocatorHarness(settingsOf([pool('office', ranges)]));
const refusing = (request: string, status: number, reason: string) => (asked: string) => {
  if (asked === request) throw refused(status, reason);
};

test('one that was edited meanwhile is read and decided anew', async () => {
  const lb = harness();
  await lb.start();
  lb.server.put(rawBalanced('a'));
  lb.holdWatch();
  const annotations = { 'kube-ipvs.io/load-balancer-ips': '192.0.2.5' };
  lb.server.put(rawBalanced('a', { annotations }));
  await lb.decide();
  expect(lb.requests()).toEqual(['LIST', 'PATCH default/a', 'READ default/a']);
  await lb.decide();
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.5 Assigned');
  lb.releaseWatch();
  await lb.host.clock.advance(60_000);
  expect(lb.requests()).toEqual(['PATCH default/a']);
  expect(lb.conditions()).toEqual([]);
});

test('one that is edited at every moment is decided seldomer and seldomer', async () => {
  const lb = harness();
  await lb.start();
  lb.server.fate = (request) => {
    if (request === 'PATCH default/a') lb.server.put(rawBalanced('a'));
  };
  lb.server.put(rawBalanced('a'));
  await lb.host.clock.advance(60_000);
  const patches = lb.requests().filter((request) => request.startsWith('PATCH'));
  expect(patches.length).toBeLessThan(10);
  lb.server.fate = () => undefined;
  await lb.host.clock.advance(120_000);
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
});

test('one that is gone is done with, and its address is free', async () => {
  const lb = harness('192.0.2.1');
  await lb.start();
  lb.holdWatch();
  const a = rawBalanced('a');
  lb.server.fate = () => lb.server.delete('default/a');
  lb.server.put(a);
  lb.releaseWatch();
  lb.holdWatch();
  await lb.decide();
  lb.server.fate = () => undefined;
  lb.server.put(rawBalanced('b'));
  lb.releaseWatch();
  await lb.decide();
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.1 Assigned');
  expect(lb.conditions()).toEqual([]);
});

test('one that fails is tried after 1, 2, 4 seconds up to a minute, and stops no other', async () => {
  const lb = harness();
  const timesMs: number[] = [];
  lb.server.fate = (request) => {
    if (request !== 'PATCH default/a') return;
    timesMs.push(lb.host.clock.monotonicMs());
    throw refused(500, 'InternalError');
  };
  await lb.start(['a'], ['b']);
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.2 Assigned');
  await lb.host.clock.advance(200_000);
  const waits = timesMs.slice(1).map((timeMs, i) => (timeMs - timesMs[i]!) / 1000);
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(lb.conditions()).toEqual(['AddressNotWritten default/a']);
  lb.server.put(rawBalanced('c'));
  await lb.decide();
  expect(lb.server.statusOf('default/c')).toBe('192.0.2.3 Assigned');
  lb.server.fate = () => undefined;
  await lb.host.clock.advance(60_000);
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
  expect(lb.conditions()).toEqual([]);
});

test('one that was written although nobody said so is done with, and told of', async () => {
  const lb = harness();
  let isLost = true;
  lb.server.afterwards = () => {
    if (!isLost) return;
    isLost = false;
    throw refused(0, 'ECONNRESET');
  };
  await lb.start(['a']);
  expect(lb.conditions()).toEqual(['AddressNotWritten default/a']);
  await lb.host.clock.advance(1_000);
  expect(lb.requests()).toEqual(['LIST', 'PATCH default/a']);
  expect(lb.conditions()).toEqual([]);
  expect(lb.events()).toEqual(['Normal AddressAssigned a: 192.0.2.1 from pool office']);
});

test('a missing right is told with its cure, of the first few Services', async () => {
  const lb = harness('192.0.2.0/24');
  lb.server.fate = (request) => {
    if (request.startsWith('PATCH')) throw refused(403, 'Forbidden');
  };
  const names = Array.from({ length: 30 }, (_, i) => `s${i}`);
  await lb.start(...names.map((name) => [name] as const));
  expect(lb.conditions()).toHaveLength(20);
  expect(lb.host.log.take()[1]).toBe(
    'error the status of Service default/s0 is not written: patch services/status: forbidden: this identity lacks ' +
      'the verb "patch" on "services/status" in API group ""; bind it to a ClusterRole with that rule ' +
      '(server: Forbidden (403)); tried again in 1 s',
  );
  lb.server.fate = () => undefined;
  await lb.host.clock.advance(2_000);
  expect(lb.conditions()).toEqual([]);
});

test('a Service that goes while it fails leaves no condition', async () => {
  const lb = harness();
  lb.server.fate = refusing('PATCH default/a', 500, 'InternalError');
  await lb.start(['a']);
  expect(lb.conditions()).toEqual(['AddressNotWritten default/a']);
  lb.server.delete('default/a');
  await lb.decide();
  expect(lb.conditions()).toEqual([]);
});

test('an address goes to another only when the first has lost it', async () => {
  const lb = harness('192.0.2.1-192.0.2.2');
  const wants = (ip: string) => ({ annotations: { 'kube-ipvs.io/load-balancer-ips': ip } });
  await lb.start(
    ['a', { created: '2025', has: '192.0.2.1', reason: 'Assigned' }],
    ['b', wants('192.0.2.1')],
  );
  expect(lb.server.statusOf('default/b')).toBe('AddressInUse');
  lb.requests();
  const answer = Promise.withResolvers<void>();
  lb.server.fate = (request) => (request === 'PATCH default/a' ? answer.promise : undefined);
  const { status } = lb.server.get('default/a');
  lb.server.put({ ...rawBalanced('a', { created: '2025', ...wants('192.0.2.2') }), status });
  await lb.decide();
  await settle();
  expect(lb.requests()).toEqual(['PATCH default/a']);
  answer.resolve();
  await settle();
  expect(lb.requests()).toEqual(['PATCH default/b']);
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.1 Assigned');
});

test('two exchange their addresses', async () => {
  const lb = harness('192.0.2.1-192.0.2.2');
  const words = (ip: string, has: string) => ({
    annotations: { 'kube-ipvs.io/load-balancer-ips': ip },
    has,
    reason: 'Assigned',
  });
  await lb.start(['a', words('192.0.2.2', '192.0.2.1')], ['b', words('192.0.2.1', '192.0.2.2')]);
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.2 Assigned');
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.1 Assigned');
});

test('what a webhook makes of it is not fought over', async () => {
  const lb = harness();
  lb.server.admit = ({ conditions = [] }) => ({ conditions });
  await lb.start(['a']);
  await lb.host.clock.advance(60_000);
  const patches = lb.requests().filter((request) => request.startsWith('PATCH'));
  expect(patches.length).toBeLessThan(10);
  expect(lb.conditions()).toEqual(['AddressNotWritten default/a']);
  expect(lb.host.log.lines.join()).toContain('see its admission webhooks');
});

test('a few are on their way at a time', async () => {
  const lb = harness('192.0.2.0/24');
  lb.server.fate = (request) => (request === 'LIST' ? undefined : new Promise(() => undefined));
  const names = Array.from({ length: 30 }, (_, i) => `s${i}`);
  await lb.start(...names.map((name) => [name] as const));
  expect(lb.requests()).toHaveLength(5);
});

test('Services that cannot be read at the beginning are told of and read again', async () => {
  const lb = harness();
  lb.server.fate = refusing('LIST', 500, 'InternalError');
  await lb.start(['a']);
  expect(lb.conditions()).toEqual(['AddressNotWritten all Services']);
  lb.server.fate = () => undefined;
  await lb.host.clock.advance(1_000);
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
  expect(lb.conditions()).toEqual([]);
});
