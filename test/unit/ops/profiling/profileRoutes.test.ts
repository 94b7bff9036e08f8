/**
 * With V8's own profiler on this process; only the heap is one of a process of its own, for its
 * size.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HttpListener } from '../../../../src/ops/httpListener.ts';
import { profileRoutes } from '../../../../src/ops/profiling/profileRoutes.ts';
import { Recorder } from '../../../../src/ops/profiling/recorder.ts';
import { pprofText } from '../../../support/program/pprofText.ts';

const MANY = { usedBytes: 10 << 20, leftBytes: 1000 << 20 };

let memory: typeof MANY;
let recorder: Recorder;
let listener: HttpListener;
let errors: unknown[];
beforeEach(async () => {
  memory = MANY;
  errors = [];
  recorder = new Recorder({ memory: () => memory });
  const routes = profileRoutes({ wallMs: () => Date.now(), recorder });
  const onError = (...error: unknown[]) => void errors.push(error);
  listener = new HttpListener({ name: 'test', routes, clock: { monotonicMs: () => 0 }, onError });
  await listener.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await listener.close();
  if (errors.length > 0) throw new Error(String(errors));
});

const get = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${listener.port}/debug/pprof${path}`, { redirect: 'manual', ...init });

/** What a profile of this process is to show, unless V8 has put it into its caller. */
function spinForTheProfile(kept: object[]): void {
  for (let i = 0; i < 20_000; i++) kept[i % 1000] = { i };
}

async function spinUntil<Result>(wanted: Promise<Result>): Promise<Result> {
  const kept: object[] = [];
  const over = new AbortController();
  const end = wanted.finally(() => over.abort());
  while (!over.signal.aborted) {
    spinForTheProfile(kept);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return end;
}

async function until(isIt: () => boolean): Promise<void> {
  while (!isIt()) await new Promise((resolve) => setImmediate(resolve));
}

test("a CPU profile in pprof's format", async () => {
  const line =
    /^samples\/count [1-9]\d* cpu\/nanoseconds \d+: spin(ForTheProfile|Until) \S*profileRoutes\.test\.ts:\d+/m;
  let text = '';
  // A collection of all garbage may take the whole time of one.
  for (let attempt = 0; attempt < 20 && !line.test(text); attempt++) {
    const { status, headers, body } = await spinUntil(bytesOf(get('/profile?seconds=0.3')));
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toBe('attachment; filename="profile"');
    expect(headers.get('content-type')).toBe('application/octet-stream');
    const { samples, period } = pprofText(gunzipSync(body));
    expect(period).toBe(1_000_000);
    text = samples.join('\n');
  }
  expect(text).toMatch(line);
});

test("a CPU profile in V8's format", async () => {
  const path = '/profile?seconds=0.1&format=cpuprofile';
  const { headers, body } = await spinUntil(bytesOf(get(path)));
  expect(headers.get('content-disposition')).toBe('attachment; filename="profile.cpuprofile"');
  expect(JSON.parse(String(body))).toMatchObject({
    nodes: expect.any(Array),
    samples: expect.any(Array),
    timeDeltas: expect.any(Array),
  });
});

test('allocations in both formats', async () => {
  const { status, body } = await spinUntil(bytesOf(get('/allocs?seconds=0.1')));
  expect(status).toBe(200);
  expect(pprofText(gunzipSync(body))).toMatchObject({
    periodType: 'space/bytes',
    period: 512 * 1024,
  });
  const own = await bytesOf(get('/allocs?seconds=0.01&format=heapprofile'));
  expect(JSON.parse(String(own.body))).toMatchObject({
    head: { callFrame: { functionName: '(root)' } },
  });
});

test('one at a time, and whoever leaves makes room', async () => {
  const leaving = new AbortController();
  await get('/profile?seconds=300', { signal: leaving.signal });
  expect(await answered('/profile?seconds=0.01')).toEqual([
    503,
    'Could not begin: another profile or snapshot is being taken\n',
  ]);
  expect(await answered('/heap')).toEqual([
    503,
    'Could not begin: another profile or snapshot is being taken\n',
  ]);
  leaving.abort();
  await until(() => recorder.refusal('profile') === undefined);
  expect((await bytesOf(get('/profile?seconds=0.01'))).status).toBe(200);
});

test.each([
  ['/profile?seconds=301', 400, 'seconds must be at most 300\n'],
  ['/profile?seconds=1&format=svg', 400, 'format must be pprof or cpuprofile\n'],
  ['/allocs?seconds=1&format=cpuprofile', 400, 'format must be pprof or heapprofile\n'],
  ['/goroutine', 404, 'Unknown profile\n'],
])('%s: %d', async (path, status, words) => {
  expect(await answered(path)).toEqual([status, words]);
});

test('there is a list', async () => {
  expect((await get('')).headers.get('location')).toBe('/debug/pprof/');
  const [status, page] = await answered('/');
  expect(status).toBe(200);
  for (const name of ['profile', 'allocs', 'heap']) expect(page).toContain(`<a href='${name}'>`);
});

test('no snapshot is begun that memory would not suffice for', async () => {
  memory = { usedBytes: 10 << 20, leftBytes: (120 << 20) - 1 };
  expect(await answered('/heap')).toEqual([
    503,
    'Could not begin: a snapshot needs some 120 MiB, and 119 MiB are left\n',
  ]);
  expect((await bytesOf(get('/profile?seconds=0.01'))).status).toBe(200);
});

test('a snapshot of the heap is what the tools of a browser read', async () => {
  const code = `
    import { profileRoutes } from './src/ops/profiling/profileRoutes.ts';
    const answer = profileRoutes({ wallMs: () => 0 }).get('/debug/pprof/heap')({});
    globalThis.kept = 'text that is in the heap';
    let text = '';
    for await (const piece of answer.body) text += piece;
    const { snapshot, nodes, strings } = JSON.parse(text);
    const found = strings.includes(globalThis.kept);
    console.log(JSON.stringify({ name: answer.headers['Content-Disposition'], found,
      fits: nodes.length === snapshot.node_count * snapshot.meta.node_fields.length }));`;
  const words = ['--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(JSON.parse(stdout)).toEqual({
    name: 'attachment; filename="heap.heapsnapshot"',
    found: true,
    fits: true,
  });
});

async function bytesOf(response: Promise<Response>) {
  const whole = await response;
  const body = Buffer.from(await whole.arrayBuffer());
  return { status: whole.status, headers: whole.headers, body };
}

async function answered(path: string): Promise<[number, string]> {
  const response = await get(path);
  return [response.status, await response.text()];
}
