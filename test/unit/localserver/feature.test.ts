import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { localServer } from '../../../src/localserver/shell/feature.ts';
import { FeatureStartError } from '../../../src/feature/feature.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-'));
  path = join(folder, 'below', 'agent.sock');
});
afterEach(() => rm(folder, { recursive: true }));

function get(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath: path, path: url }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
  });
}

test('it answers what any feature registers, also later, as long as it runs', async () => {
  const host = new FakeFeatureHost();
  const running = await localServer(path).start(host);
  expect(await get('/v1/virtual-servers')).toBe(200);
  expect(await get('/v1/later')).toBe(404);
  host.routes.serve('/v1/later', () => ({ status: 200, contentType: 'text/plain', body: '' }));
  expect(await get('/v1/later')).toBe(200);
  await running.stop();
  await expect(get('/v1/later')).rejects.toThrow('ENOENT');
});

test('a place that cannot be had is told with what is lost by it', async () => {
  await writeFile(join(folder, 'below'), '');
  const start = Promise.resolve(localServer(path).start(new FakeFeatureHost()));
  await expect(start).rejects.toThrow(FeatureStartError);
  await expect(start).rejects.toThrow(
    `local socket ${path} cannot be made; \`list --services\` has to read the cluster itself`,
  );
});
