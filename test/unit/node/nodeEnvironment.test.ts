/** What ends the start with an explanation, and what is waited for. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  checkEnvironment,
  EnvironmentError,
  setIpvsTimeouts,
  setOomScore,
} from '../../../src/node/nodeEnvironment.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import type { Condition } from '../../../src/ops/conditions.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

function node({ errno = 0, missing = '' } = {}) {
  const lines: string[] = [];
  let closed = 0;
  const openIpvs = () => ({
    version: () =>
      errno === 0
        ? Promise.resolve({ version: 0x010201, connectionTableSize: 4096 })
        : Promise.reject(new KernelError({ op: 'look for IPVS', errno })),
    close: () => {
      closed += 1;
    },
  });
  const log = {
    error: (text: string) => lines.push(text),
    verbose: (_level: number, text: string) => lines.push(text),
  };
  const done = checkEnvironment(log as never, {
    openIpvs,
    run: async () => ({ stdout: 'iptables v1.8.9 (legacy)', stderr: '' }),
    isInstalled: async (program) => program !== missing,
    tablesInUse: async () => [],
  });
  return { lines, done, closed: () => closed };
}

test('a node that has everything is told its programs', async () => {
  const { lines, done, closed } = node();
  expect(await done).toMatchObject({ version: '1.8.9', variants: ['nft', 'legacy'] });
  expect(lines).toEqual(['kernel IPVS found']);
  expect(closed()).toBe(1);
});

test('a module that is not loaded yet is waited for', async () => {
  const { lines, done, closed } = node({ errno: constants.errno.ENOENT });
  await done;
  expect(lines).toEqual([expect.stringMatching(/no IPVS yet.*modprobe ip_vs.*trying again/)]);
  expect(closed()).toBe(1);
});

test.each([
  ['EPERM', /refuses access to IPVS .*CAP_NET_ADMIN/],
  ['ENOSYS', /look for IPVS: ENOSYS/],
  ['EPROTONOSUPPORT', /look for IPVS: EPROTONOSUPPORT/],
] as const)('%s is for an operator to mend', async (code, text) => {
  const { lines, done, closed } = node({ errno: constants.errno[code] });
  await expect(done).rejects.toThrow(text);
  await expect(done).rejects.toBeInstanceOf(EnvironmentError);
  expect(lines).toEqual([]);
  expect(closed()).toBe(1);
});

test('a missing ipset is named with its package', async () => {
  await expect(node({ missing: 'ipset' }).done).rejects.toThrow('install the package ipset');
});

describe('IPVS timeouts', () => {
  async function set(tcp: number, tcpFin: number, udp: number, failure?: Error) {
    const calls: unknown[] = [];
    const log = new FakeLog();
    const conditions = { set: ({ code }: Condition) => calls.push(code) };
    await setIpvsTimeouts({ tcp, tcpFin, udp }, { log, conditions }, () => ({
      setTimeouts: async (timeouts) => {
        calls.push(timeouts);
        if (failure !== undefined) throw failure;
      },
      close: () => calls.push('close'),
    }));
    return { calls, lines: log.lines };
  }

  test('are left to the kernel when none is given', async () => {
    expect(await set(0, 0, 0)).toEqual({ calls: [], lines: [] });
  });

  test.each([
    [900, 0, 0],
    [0, 120, 0],
    [0, 0, 300],
  ])('are given to it together: %d, %d, %d s', async (tcpSec, tcpFinSec, udpSec) => {
    expect(await set(tcpSec, tcpFinSec, udpSec)).toEqual({
      calls: [{ tcpSec, tcpFinSec, udpSec }, 'close'],
      lines: [],
    });
  });

  test('that are refused are told and cost nothing else', async () => {
    const { calls, lines } = await set(1, 2, 3, new Error('EPERM'));
    expect(calls.slice(1)).toEqual(['IpvsTimeoutsNotSet', 'close']);
    expect(lines).toEqual(['error IPVS timeouts were not set: EPERM']);
  });
});

test('the score by which the kernel picks whom to end is written, and told where it cannot be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kube-ipvs-oom-'));
  try {
    const log = new FakeLog(2);
    await setOomScore(-999, log, join(folder, 'score'));
    expect(await readFile(join(folder, 'score'), 'utf8')).toBe('-999');
    expect(log.lines).toEqual([]);
    await setOomScore(-999, log, join(folder, 'missing', 'score'));
    expect(log.lines).toEqual([expect.stringContaining('oom_score_adj was not set')]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
