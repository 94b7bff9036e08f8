import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ResolvedConfig } from '../../../src/config/resolve.ts';
import { checkOtherProxies } from '../../../src/node/takeover.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

const LOOK_MS = 1_000;
const WAITING = 'warning waiting for another Service proxy to end, as --takeover asks';

let procfs: string;
let clock: FakeClock;
let log: FakeLog;
let end: AbortController;
/** that much has gone by beside the looks */
let laterMs: number;

beforeEach(async () => {
  procfs = await mkdtemp(join(tmpdir(), 'procfs-'));
  await link('self/ns/net', 'net:[1]');
  clock = new FakeClock();
  log = new FakeLog();
  end = new AbortController();
  laterMs = 0;
});

afterEach(() => rm(procfs, { recursive: true }));

async function link(path: string, target: string) {
  await mkdir(dirname(join(procfs, path)), { recursive: true });
  await symlink(target, join(procfs, path));
}

/** A process of that name in our network namespace, by default root's Go program. */
async function addProcess(pid: number, { exe = '/kube-proxy', user = 0 } = {}) {
  await link(`${pid}/ns/net`, 'net:[1]');
  await link(`${pid}/exe`, exe);
  await writeFile(join(procfs, `${pid}/status`), `Uid:\t${user}\t${user}\t${user}\t${user}\n`);
  await writeFile(join(procfs, `${pid}/comm`), 'kube-proxy\n');
}

const endProcess = (pid: number) => rm(join(procfs, String(pid)), { recursive: true });

/** Nobody is asked at a port: signs are in /proc. */
function check(isTakeover: boolean) {
  const config = { isTakeover } as ResolvedConfig;
  const places = { metrics: [], health: [], procfs };
  const later = {
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    monotonicMs: () => clock.monotonicMs() + laterMs,
  };
  return checkOtherProxies(end.signal, config, { log, clock: later, places });
}

/** Starts to wait. @returns whether the wait is over */
function startWaiting() {
  let isOver = false;
  const done = check(true).then(() => (isOver = true));
  return { done, isOver: () => isOver };
}

/** Each look reads files, so time moves one look at a time, when the wait for the next began. */
async function letLook(count: number) {
  for (let i = 0; i < count; i++) {
    while (clock.nextDueMs === undefined) await settle();
    await clock.advance(clock.nextDueMs - clock.monotonicMs());
  }
  while (clock.nextDueMs === undefined) await settle();
}

test('on a node without another proxy it goes on at once, with and without --takeover', async () => {
  await check(false);
  await check(true);
  expect(clock.sleeps).toEqual([]);
  expect(log.lines).toEqual([]);
});

test('beside kube-proxy it ends, and says what to do', async () => {
  await addProcess(12);
  await expect(check(false)).rejects.toThrow(
    /process 12 is kube-proxy.*delete daemonset\/kube-proxy configmap\/kube-proxy.*wait for its end with --takeover/,
  );
  expect(log.lines).toEqual([]);
});

test('with --takeover it waits as long as kube-proxy is there, and says for what, once', async () => {
  await addProcess(12);
  const { isOver } = startWaiting();
  await letLook(10);
  expect(isOver()).toBe(false);
  expect(log.lines).toEqual([
    `${WAITING} {"evidence":"process 12 is kube-proxy","remove":"kubectl -n kube-system delete daemonset/kube-proxy configmap/kube-proxy"}`,
  ]);
  end.abort();
});

test('it says so again when what it sees is something else, and every five minutes', async () => {
  await addProcess(12);
  const { isOver } = startWaiting();
  await letLook(1);
  await endProcess(12);
  await addProcess(13);
  await letLook(1);
  expect(log.take()).toEqual([
    expect.stringMatching(/waiting .*process 12/),
    expect.stringMatching(/waiting .*process 13/),
  ]);
  laterMs = 297_000;
  await letLook(1);
  expect(log.take()).toEqual([]);
  laterMs = 300_000;
  await letLook(1);
  expect(log.take()).toEqual([expect.stringMatching(/waiting .*process 13/)]);
  expect(isOver()).toBe(false);
  end.abort();
});

test('when kube-proxy is gone it looks twice more before it goes on', async () => {
  await addProcess(12);
  const { done, isOver } = startWaiting();
  await letLook(1);
  log.take();
  await endProcess(12);
  await letLook(2);
  expect(isOver()).toBe(false);
  expect(log.lines).toEqual([]);
  await clock.advance(LOOK_MS);
  await done;
  expect(log.lines).toEqual(['info the other Service proxy has ended: taking over what it left']);
});

test('one that was only away for a moment is waited for anew', async () => {
  await addProcess(12);
  const { isOver } = startWaiting();
  await letLook(1);
  for (let restart = 0; restart < 3; restart++) {
    await endProcess(12);
    await letLook(2);
    await addProcess(12);
    await letLook(1);
  }
  expect(isOver()).toBe(false);
  expect(log.lines).toHaveLength(1);
  end.abort();
});

test('a signal ends the wait, and nothing is said of a takeover', async () => {
  await addProcess(12);
  const { done } = startWaiting();
  await letLook(2);
  log.take();
  end.abort();
  await done;
  expect(log.lines).toEqual([]);
});

test('a clock that fails is not taken for the end of the wait', async () => {
  await addProcess(12);
  const broken = { monotonicMs: () => 0, sleep: () => Promise.reject(new Error('no clock')) };
  const config = { isTakeover: true } as ResolvedConfig;
  const places = { metrics: [], health: [], procfs };
  await expect(
    checkOtherProxies(end.signal, config, { log, clock: broken, places }),
  ).rejects.toThrow('no clock');
});

test('who only calls itself kube-proxy is told and keeps nobody from starting', async () => {
  await addProcess(12, { user: 1000 });
  await addProcess(13, { exe: '/usr/bin/node' });
  await check(false);
  expect(log.lines).toEqual([
    'warning a program without root answers like a Service proxy; it is none {"evidence":"process 12 of user 1000 is named kube-proxy"}',
  ]);
});
