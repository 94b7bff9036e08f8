import { beforeEach, describe, expect, test } from '@jest/globals';
import { formatGoTime, ProxyHealth } from '../../../src/ops/health.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

let clock: FakeClock;
let health: ProxyHealth;

beforeEach(() => {
  clock = new FakeClock();
  health = new ProxyHealth({ families: ['IPv4', 'IPv6'], timeoutMs: 60_000, clock });
});

describe('ProxyHealth', () => {
  const now = '2026-11-24T15:04:05.678Z';
  const sync = () => {
    health.roundBegan(clock.monotonicMs());
    health.roundEnded(true, clock.wallMs());
  };

  test('says what kube-proxy 1.37.2 says, in the same order', () => {
    sync();
    const ofFamily = `{"lastUpdated":"${now}","healthy":true}`;
    const rest = `"healthy":true,"status":{"IPv4":${ofFamily},"IPv6":${ofFamily}}}`;
    const times = `{"lastUpdated":"${now}","currentTime":"${now}"`;
    expect(health.livez()).toEqual({ isHealthy: true, body: `${times},${rest}` });
    expect(health.healthz()).toEqual({
      isHealthy: true,
      body: `${times},"nodeEligible":true,${rest}`,
    });
    expect(health.readyz()).toEqual({ isHealthy: true, body: `${times},${rest}` });
  });

  test('is alive and not ready before the first round is done', () => {
    const never = '0001-01-01T00:00:00Z';
    expect(health.livez()).toEqual({
      isHealthy: true,
      body: `{"lastUpdated":"${now}","currentTime":"${now}","healthy":true}`,
    });
    const times = `{"lastUpdated":"${never}","currentTime":"${now}"`;
    const notReady = { isHealthy: false, body: `${times},"healthy":false}` };
    expect(health.readyz()).toEqual(notReady);
    expect(health.healthz()).toEqual({
      isHealthy: false,
      body: `${times},"nodeEligible":true,"healthy":true}`,
    });
    health.roundBegan(clock.monotonicMs());
    expect(health.readyz()).toEqual(notReady);
    health.roundEnded(false, clock.wallMs());
    expect(health.readyz()).toEqual(notReady);
    sync();
    expect(health.isReady).toBe(true);
  });

  test('is not ready by a round that could not program the node', () => {
    health.setFailing('IPv6', true);
    sync();
    expect([health.readyz(), health.healthz()]).toMatchObject([
      { isHealthy: false },
      { isHealthy: false },
    ]);
    health.setFailing('IPv6', false);
    expect(health.isReady).toBe(false);
    sync();
    expect(health.isReady).toBe(true);
  });

  test('stays ready whatever comes', async () => {
    sync();
    health.setFailing('IPv4', true);
    health.setNodeEligible(false);
    health.queued('IPv6');
    health.roundBegan(clock.monotonicMs());
    await clock.advance(120_000);
    expect(health.readyz().isHealthy).toBe(true);
    expect([health.livez().isHealthy, health.healthz().isHealthy]).toEqual([false, false]);
  });

  test('is unhealthy when a change has waited for the whole time-out, and well again after the sync', async () => {
    sync();
    await clock.advance(1000);
    health.queued('IPv4');
    await clock.advance(59_999);
    health.queued('IPv4');
    expect(health.isHealthy).toBe(true);
    await clock.advance(1);
    const lastUpdated = now;
    expect(health.healthz().isHealthy).toBe(false);
    expect(JSON.parse(health.healthz().body)).toEqual({
      lastUpdated,
      currentTime: '2026-11-24T15:05:06.678Z',
      nodeEligible: true,
      healthy: false,
      status: {
        IPv4: { lastUpdated, healthy: false },
        IPv6: { lastUpdated, healthy: true },
      },
    });
    sync();
    expect(health.isHealthy).toBe(true);
  });

  test('a change that comes during a round waits for the next one', async () => {
    health.queued('IPv4');
    health.roundBegan(clock.monotonicMs());
    await clock.advance(30_000);
    health.queued('IPv4');
    health.roundEnded(true, clock.wallMs());
    await clock.advance(59_999);
    expect(health.isHealthy).toBe(true);
    await clock.advance(1);
    expect(health.isHealthy).toBe(false);
  });

  test('what a round took that was given up still waits, since it came', async () => {
    health.queued('IPv4');
    await clock.advance(30_000);
    health.roundBegan(clock.monotonicMs());
    health.roundEnded(false, clock.wallMs());
    await clock.advance(20_000);
    health.roundBegan(clock.monotonicMs());
    health.roundEnded(false, clock.wallMs());
    await clock.advance(10_000);
    expect(health.isHealthy).toBe(false);
    sync();
    expect(health.isHealthy).toBe(true);
  });

  test('a family that never synced has the zero time', async () => {
    health.queued('IPv6');
    await clock.advance(60_000);
    expect(health.healthz().body).toContain('"lastUpdated":"0001-01-01T00:00:00Z"');
  });

  test('a node that cannot program for the whole time-out fails healthz, although rounds finish', async () => {
    health.setFailing('IPv4', true);
    await clock.advance(30_000);
    health.setFailing('IPv4', true);
    sync();
    expect(health.isHealthy).toBe(true);
    await clock.advance(30_000);
    expect(health.isHealthy).toBe(false);
    health.setFailing('IPv4', false);
    expect(health.isHealthy).toBe(true);
  });

  describe('livez', () => {
    test('fails when a round does not end, which a new process may get over', async () => {
      sync();
      await clock.advance(1_000);
      health.roundBegan(clock.monotonicMs());
      await clock.advance(59_999);
      expect(health.livez().isHealthy).toBe(true);
      await clock.advance(1);
      expect(health.livez().isHealthy).toBe(false);
      expect(JSON.parse(health.livez().body)).toMatchObject({
        lastUpdated: now,
        currentTime: '2026-11-24T15:05:06.678Z',
        healthy: false,
      });
      health.roundEnded(false, clock.wallMs());
      expect(health.livez().isHealthy).toBe(true);
    });

    test('stands whatever a new process would meet again', async () => {
      health.setFailing('IPv4', true);
      health.setNodeEligible(false);
      for (let i = 0; i < 10; i++) {
        health.queued('IPv4');
        health.roundBegan(clock.monotonicMs());
        health.roundEnded(false, clock.wallMs());
        await clock.advance(30_000);
      }
      expect(health.healthz().isHealthy).toBe(false);
      expect(health.livez().isHealthy).toBe(true);
    });
  });

  test('a node that is leaving fails healthz and not livez', () => {
    sync();
    health.setNodeEligible(false);
    expect(health.healthz()).toMatchObject({
      isHealthy: false,
      body: expect.stringContaining('"nodeEligible":false,"healthy":true,'),
    });
    expect([health.livez().isHealthy, health.readyz().isHealthy]).toEqual([true, true]);
  });

  test('a change that has waited for the time-out makes its family overdue, one that fails does not', async () => {
    health.queued('IPv4');
    health.setFailing('IPv6', true);
    await clock.advance(59_999);
    expect(health.overdue).toEqual([]);
    await clock.advance(1);
    expect(health.overdue).toEqual(['IPv4']);
    health.roundBegan(clock.monotonicMs());
    expect(health.overdue).toEqual(['IPv4']);
    health.roundEnded(true, clock.wallMs());
    expect(health.overdue).toEqual([]);
  });

  test('a family that is not served does not count', async () => {
    const single = new ProxyHealth({ families: ['IPv4'], timeoutMs: 60_000, clock });
    single.queued('IPv6');
    await clock.advance(120_000);
    expect(single.isHealthy).toBe(true);
  });
});

test('times are written as Go writes them', () => {
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 0, 0))).toBe('2026-01-02T03:04:00Z');
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 5, 600))).toBe('2026-01-02T03:04:05.6Z');
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 50, 10))).toBe('2026-01-02T03:04:50.01Z');
});
