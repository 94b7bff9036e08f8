import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeconfigError, loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string, name = 'config'): string {
  const at = path.join(directory, name);
  writeFileSync(at, text, { mode: 0o755 });
  return at;
}

function kubeconfig(user: object, cluster: object = { server: 'http://127.0.0.1:8080/' }): string {
  return file(
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
}

function problemOf(text: string): string {
  try {
    loadClusterAccess({ kubeconfig: file(text) });
  } catch (error) {
    if (error instanceof KubeconfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('a wrong configuration is told with what to do', () => {
  test('no cluster at all', () => {
    expect(() => loadClusterAccess({ env: {} })).toThrow(
      /no cluster is configured: KUBERNETES_SERVICE_HOST is not set.*--kubeconfig FILE.*--master URL/,
    );
  });

  test('a file that is not there', () => {
    const missing = path.join(directory, 'missing');
    expect(() => loadClusterAccess({ kubeconfig: missing })).toThrow(
      /missing cannot be read \(ENOENT.*\); give --kubeconfig FILE/,
    );
  });

  test('bad YAML, with line and column', () => {
    expect(problemOf('clusters:\n  - name: c\n bad: [')).toMatch(
      /is not valid YAML: .*line 3, column/,
    );
  });

  test('something else', () => {
    expect(problemOf('just words')).toContain('is not a kubeconfig');
    expect(problemOf('contexts: {}\ncurrent-context: x')).toContain('contexts is not a list');
  });

  test('no current context, or one that does not exist', () => {
    const contexts =
      'contexts: [{name: a, context: {cluster: c}}, {name: b, context: {cluster: c}}]\n';
    expect(problemOf(contexts)).toContain('current-context is not set; set it to one of a, b');
    expect(problemOf(`${contexts}current-context: z`)).toContain(
      'current-context is "z", which is not in contexts; set it to one of a, b',
    );
  });

  test('a context whose cluster or user does not exist', () => {
    const head = 'current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n';
    expect(problemOf(head)).toContain(
      'contexts[name=a].context.cluster is "c", which is not in clusters',
    );
    expect(problemOf(`${head}clusters: [{name: c, cluster: {server: 'https://h'}}]`)).toContain(
      'contexts[name=a].context.user is "u", which is not in users',
    );
  });

  test('a server that is no URL', () => {
    const text =
      'current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: "h:6443"}}]';
    expect(problemOf(text)).toContain('clusters[name=c].cluster.server is "h:6443", not a URL');
    expect(() => loadClusterAccess({ master: 'h:6443' })).toThrow(
      '--master is "h:6443", not a URL',
    );
  });
});

describe('credentials', () => {
  test('a token file is read when asked, its newline cut, relative to the kubeconfig', async () => {
    const access = loadClusterAccess({
      kubeconfig: kubeconfig({ tokenFile: 'token', token: 'stale' }),
    });
    await expect(access.authenticate()).rejects.toMatchObject({
      name: 'ApiError',
      status: 0,
      message: expect.stringMatching(/^credentials of kubeconfig .*config: ENOENT.*token/),
    });
    file('secret\n', 'token');
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer secret' });
  });

  test('a rotated token is seen after the server refused the old one', async () => {
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ tokenFile: 'token' }) });
    file('old', 'token');
    await access.authenticate();
    file('new', 'token');
    access.refresh();
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer new' });
  });

  test('an exec plug-in is asked once by many, and told which API it speaks', async () => {
    file(
      `#!/bin/sh
echo run >> ${directory}/runs
test -n "$KUBERNETES_EXEC_INFO" || exit 1
echo '{"status":{"token":"from-'"$FLAVOUR"'"}}'
`,
      'plugin',
    );
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './plugin',
      env: [{ name: 'FLAVOUR', value: 'plugin' }],
    };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ exec }) });
    const all = await Promise.all([
      access.authenticate(),
      access.authenticate(),
      access.authenticate(),
    ]);
    expect(all.map((each) => each.headers['Authorization'])).toEqual(
      Array(3).fill('Bearer from-plugin'),
    );
    expect(readFileSync(path.join(directory, 'runs'), 'utf8')).toBe('run\n');
  });

  test('an exec plug-in that is not installed is named, with its hint', async () => {
    const exec = { command: 'no-such-plug-in-anywhere', installHint: 'get it from the shop' };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ exec }) });
    await expect(access.authenticate()).rejects.toThrow(
      /exec plug-in no-such-plug-in-anywhere: .*ENOENT; get it from the shop/,
    );
  });

  test('user name and password', async () => {
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ username: 'a', password: 'b' }) });
    expect((await access.authenticate()).headers['Authorization']).toBe(
      `Basic ${Buffer.from('a:b').toString('base64')}`,
    );
  });
});

describe('which server', () => {
  test('that of the kubeconfig, without the trailing slash; --master replaces it', () => {
    const at = kubeconfig({});
    expect(loadClusterAccess({ kubeconfig: at }).server).toBe('http://127.0.0.1:8080');
    expect(loadClusterAccess({ kubeconfig: at, master: 'https://other:1' }).server).toBe(
      'https://other:1',
    );
    expect(loadClusterAccess({ master: 'http://127.0.0.1:1' }).server).toBe('http://127.0.0.1:1');
  });

  test('in a pod, the one of the environment; IPv6 in brackets', async () => {
    file('pod-token', 'token');
    file('', 'ca.crt');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const access = loadClusterAccess({ env, serviceAccountDir: directory });
    expect(access.server).toBe('https://[fd00::1]:443');
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer pod-token' });
  });
});
