import { afterEach, expect, test } from '@jest/globals';
import { openServers, type ServerParts, startAll } from '../../../src/agent/servers.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { HttpServer } from '../../../src/ops/httpServer.ts';
import { Verbosity } from '../../../src/ops/verbosity.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

const verbosity = new Verbosity({ verbosity: 0 });
const log = new FakeLog();

let servers: readonly HttpServer[] = [];
afterEach(() => Promise.all(servers.map((server) => server.close())));

/** @returns what asks the health and the metrics server */
async function started(...words: string[]) {
  const { values } = parseFlags(words, RUN_FLAGS);
  const { config } = resolveConfig({ flags: values, isInCluster: true });
  const anywhere = { address: '127.0.0.1', port: 0 };
  const flags = new Map([['v', '0']]);
  const conditions = { set: () => undefined, clear: () => undefined, present: [] };
  const parts = { log, verbosity, flags, version: '1.2.3', clock: new FakeClock(), conditions };
  servers = openServers(
    { ...config!, healthAddress: anywhere, metricsAddress: anywhere },
    parts as unknown as ServerParts,
  );
  await startAll(servers);
  return servers.map(({ port }) => (path: string, init: RequestInit = {}) => {
    return fetch(`http://127.0.0.1:${port}${path}`, init);
  });
}

const DEBUG_PATHS = ['/debug/pprof/', '/debug/pprof/heap', '/debug/flags/v'];

test('without --profiling nobody looks into the process', async () => {
  for (const ask of await started()) {
    for (const path of DEBUG_PATHS) expect((await ask(path)).status).toBe(404);
  }
});

test('with it the metrics server lets, and the verbosity be set', async () => {
  const [health, metrics] = await started('--profiling');
  for (const path of DEBUG_PATHS) expect((await health!(path)).status).toBe(404);
  expect((await metrics!('/debug/pprof/')).status).toBe(200);
  const answer = await metrics!('/debug/flags/v', { method: 'PUT', body: '4' });
  expect(await answer.text()).toBe('successfully set klog.logging.verbosity to 4\n');
  expect(verbosity.level).toBe(4);
});

test('/flagz and /statusz are always there, on the metrics server', async () => {
  const [health, metrics] = await started();
  expect(await (await metrics!('/flagz')).text()).toMatch(/^v.*0$/m);
  expect(await (await metrics!('/statusz')).text()).toMatch(/^Binary version.* 1\.2\.3$/m);
  expect((await health!('/statusz')).status).toBe(404);
});
