import { beforeEach, expect, test } from '@jest/globals';
import { defineCondition } from '../../../src/ops/conditions.ts';
import { type HealthPath, ProxyHealth } from '../../../src/ops/health.ts';
import { verboseText } from '../../../src/ops/healthText.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

const AWAY = defineCondition({
  code: 'RouterAway',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'the router does not answer',
});
const ODD = defineCondition({
  code: 'Odd',
  severity: 'warning',
  affectsHealth: false,
  title: 'something is odd',
});

let clock: FakeClock;
let health: ProxyHealth;
beforeEach(() => {
  clock = new FakeClock();
  health = new ProxyHealth({ families: ['IPv4', 'IPv6'], timeoutMs: 60_000, clock });
});

const linesAt = (path: HealthPath, ...present: readonly (typeof AWAY | typeof ODD)[]) =>
  verboseText(path, health, present).split('\n');

test('before the first round it is alive, not ready, and nothing for load balancers', () => {
  expect(linesAt('livez')).toEqual(['[+]loop ok', 'livez check passed', '']);
  const waiting = '[-]first-round failed: not done yet';
  expect(linesAt('readyz')).toEqual([waiting, 'readyz check failed', '']);
  expect(linesAt('healthz')).toEqual([
    waiting,
    '[+]node-eligible ok',
    '[+]IPv4 ok',
    '[+]IPv6 ok',
    'healthz check failed',
    '',
  ]);
});

test('each thing that an answer depends on is named, and which conditions stand', async () => {
  health.roundEnded(true, clock.wallMs());
  health.setFailing('IPv4', true);
  health.setNodeEligible(false);
  await clock.advance(60_000);
  expect(linesAt('healthz', ODD, AWAY)).toEqual([
    '[+]first-round ok',
    '[-]node-eligible failed: the Node is leaving the cluster, or is gone',
    '[-]IPv4 failed: behind, or cannot be programmed',
    '[+]IPv6 ok',
    '[!]Odd: something is odd',
    '[-]RouterAway: the router does not answer',
    'healthz check failed',
    '',
  ]);
});

test('a round that does not end is the one thing against livez', async () => {
  health.roundBegan(clock.monotonicMs());
  await clock.advance(60_000);
  expect(linesAt('livez', ODD)).toEqual([
    '[-]loop failed: a round does not end',
    '[!]Odd: something is odd',
    'livez check failed',
    '',
  ]);
});
