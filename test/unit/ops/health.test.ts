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
  test('is healthy before anything was queued, with the current time for both', () => {
    const now = '2026-11-24 15:04:05.678 +0000 UTC';
    expect(health.livez()).toEqual({
      isHealthy: true,
      body: `{"lastUpdated": "${now}","currentTime": "${now}"}`,
    });
    expect(health.healthz()).toEqual({
      isHealthy: true,
      body: `{"lastUpdated": "${now}","currentTime": "${now}", "nodeEligible": true}`,
    });
  });

  const sync = () => {
    health.roundBegan();
    health.roundEnded(true);
  };

  test('is unhealthy when a change has waited for the whole time-out, and well again after the sync', async () => {
    sync();
    await clock.advance(1000);
    health.queued('IPv4');
    await clock.advance(59_999);
    health.queued('IPv4');
    expect(health.isHealthy).toBe(true);
    await clock.advance(1);
    expect(health.healthz()).toEqual({
      isHealthy: false,
      body: '{"lastUpdated": "2026-11-24 15:04:05.678 +0000 UTC","currentTime": "2026-11-24 15:05:06.678 +0000 UTC", "nodeEligible": true}',
    });
    sync();
    expect(health.isHealthy).toBe(true);
  });

  test('a change that comes during a round waits for the next one', async () => {
    health.queued('IPv4');
    health.roundBegan();
    await clock.advance(30_000);
    health.queued('IPv4');
    health.roundEnded(true);
    await clock.advance(59_999);
    expect(health.isHealthy).toBe(true);
    await clock.advance(1);
    expect(health.isHealthy).toBe(false);
  });

  test('what a round took that was given up still waits, since it came', async () => {
    health.queued('IPv4');
    await clock.advance(30_000);
    health.roundBegan();
    health.roundEnded(false);
    await clock.advance(20_000);
    health.roundBegan();
    health.roundEnded(false);
    await clock.advance(10_000);
    expect(health.isHealthy).toBe(false);
    sync();
    expect(health.isHealthy).toBe(true);
  });

  test('a family that never synced has the zero time', async () => {
    health.queued('IPv6');
    await clock.advance(60_000);
    expect(health.healthz().body).toContain('"lastUpdated": "0001-01-01 00:00:00 +0000 UTC"');
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
      health.roundBegan();
      await clock.advance(59_999);
      expect(health.livez().isHealthy).toBe(true);
      await clock.advance(1);
      expect(health.livez()).toEqual({
        isHealthy: false,
        body: '{"lastUpdated": "2026-11-24 15:04:05.678 +0000 UTC","currentTime": "2026-11-24 15:05:06.678 +0000 UTC"}',
      });
      health.roundEnded(false);
      expect(health.livez().isHealthy).toBe(true);
    });

    test('stands whatever a new process would meet again', async () => {
      health.setFailing('IPv4', true);
      health.setNodeEligible(false);
      for (let i = 0; i < 10; i++) {
        health.queued('IPv4');
        health.roundBegan();
        health.roundEnded(false);
        await clock.advance(30_000);
      }
      expect(health.healthz().isHealthy).toBe(false);
      expect(health.livez().isHealthy).toBe(true);
    });
  });

  test('a node that is leaving fails healthz and not livez', () => {
    health.setNodeEligible(false);
    expect(health.healthz()).toMatchObject({
      isHealthy: false,
      body: expect.stringContaining('"nodeEligible": false}'),
    });
    expect(health.livez().isHealthy).toBe(true);
  });

  test('a change that has waited for the time-out makes its family overdue, one that fails does not', async () => {
    health.queued('IPv4');
    health.setFailing('IPv6', true);
    await clock.advance(59_999);
    expect(health.overdue).toEqual([]);
    await clock.advance(1);
    expect(health.overdue).toEqual(['IPv4']);
    health.roundBegan();
    expect(health.overdue).toEqual(['IPv4']);
    health.roundEnded(true);
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
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 0, 0))).toBe('2026-01-02 03:04:00 +0000 UTC');
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 5, 600))).toBe('2026-01-02 03:04:05.6 +0000 UTC');
  expect(formatGoTime(Date.UTC(2026, 0, 2, 3, 4, 50, 10))).toBe('2026-01-02 03:04:50.01 +0000 UTC');
});
