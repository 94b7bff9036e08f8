import { beforeEach, expect, test } from '@jest/globals';
import { debugFlagRoutes } from '../../../src/ops/debugFlags.ts';
import type { HttpAnswer, HttpRequest } from '../../../src/ops/httpListener.ts';
import { Verbosity } from '../../../src/ops/verbosity.ts';
import { FakeLog } from '../../support/program/fakeLog.ts';

let verbosity: Verbosity;
let log: FakeLog;
beforeEach(() => {
  verbosity = new Verbosity({ verbosity: 2 });
  log = new FakeLog();
});

const routeAt = (path: string) => debugFlagRoutes({ verbosity, log }).get(path);

async function put(body: string | undefined, method = 'PUT'): Promise<HttpAnswer> {
  return routeAt('/debug/flags/v')!({ method, text: async () => body } as unknown as HttpRequest);
}

// Statuses and words as kube-proxy 1.37.2 answered.
test('PUT sets the verbosity, and the log says so', async () => {
  expect(await put('4')).toEqual({
    status: 200,
    contentType: 'text/plain',
    body: 'successfully set klog.logging.verbosity to 4\n',
  });
  expect(verbosity.level).toBe(4);
  expect(log.lines).toEqual(['info verbosity of the log is changed {"from":2,"to":4}']);
});

test.each([
  ['abc', 'strconv.ParseUint: parsing "abc": invalid syntax\n'],
  ['', 'strconv.ParseUint: parsing "": invalid syntax\n'],
  ['5 ', 'strconv.ParseUint: parsing "5 ": invalid syntax\n'],
  ['3\n', 'strconv.ParseUint: parsing "3\\n": invalid syntax\n'],
  ['-1', 'strconv.ParseUint: parsing "-1": invalid syntax\n'],
  ['0x3', 'strconv.ParseUint: parsing "0x3": invalid syntax\n'],
  ['99999999999', 'strconv.ParseUint: parsing "99999999999": value out of range\n'],
  ['2147483648', 'strconv.ParseUint: parsing "2147483648": value out of range\n'],
  [undefined, 'longer than 64 bytes: no number\n'],
])('%j is refused and changes nothing', async (body, words) => {
  expect(await put(body)).toEqual({ status: 400, contentType: 'text/plain', body: words });
  expect(verbosity.level).toBe(2);
  expect(log.lines).toEqual([]);
});

test.each(['GET', 'POST'])('%s is refused', async (method) => {
  const words = 'unsupported http method\n';
  expect(await put('4', method)).toMatchObject({ status: 406, body: words });
  expect(verbosity.level).toBe(2);
});

test.each(['/debug/flags', '/debug/flags/', '/debug/flags/vmodule'])('%s lists', async (path) => {
  const answer = await routeAt(path)!({} as HttpRequest);
  expect(answer).toMatchObject({ status: 200, contentType: 'text/html; charset=utf-8' });
  expect(answer.body).toContain('<tr>v<br>');
});

test('nothing else is ours', () => {
  expect(routeAt('/debug/flagsx')).toBeUndefined();
});
