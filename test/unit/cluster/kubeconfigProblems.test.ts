/** A kubeconfig that is wrong: where, and what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { KubeconfigError } from '../../../src/cluster/kubeconfigFile.ts';
import { base64, CERTIFICATE, OTHER_KEY } from '../../support/objects/certificates.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const at = path.join(directory, 'config');
  writeFileSync(at, text);
  return at;
}

const API = 'client.authentication.k8s.io/v1';

function kubeconfigText(
  user: object,
  cluster: object = { server: 'http://127.0.0.1:8080/' },
): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
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
    for (const env of [
      {},
      { KUBERNETES_SERVICE_HOST: '10.96.0.1' },
      { KUBERNETES_SERVICE_PORT: '443' },
    ]) {
      expect(() => loadClusterAccess({ env })).toThrow(
        /no cluster is configured: KUBERNETES_SERVICE_HOST is not set.*--kubeconfig FILE.*--master URL/,
      );
    }
  });

  test('a file that is not there', () => {
    const missing = path.join(directory, 'missing');
    expect(() => loadClusterAccess({ kubeconfig: missing })).toThrow(
      /missing cannot be read \(ENOENT.*\); give --kubeconfig FILE/,
    );
  });

  test('bad YAML, with line and column', () => {
    expect(problemOf('clusters:\n  - name: c\n bad: [')).toMatch(
      /^kubeconfig .*\/config:3:\d+: YAML is not valid: /,
    );
  });

  test('something else', () => {
    expect(problemOf('just words')).toContain('is not a kubeconfig');
    expect(problemOf('contexts: {}\ncurrent-context: x')).toContain('contexts is not a list');
    expect(problemOf('contexts: [x]\ncurrent-context: x')).toContain('contexts[0].name is missing');
    expect(problemOf('contexts: [{name: x, context: y}]')).toContain(
      'contexts[0].context is not a mapping',
    );
  });

  test('no current context, or one that does not exist', () => {
    const contexts =
      'contexts: [{name: a, context: {cluster: c}}, {name: b, context: {cluster: c}}]\n';
    expect(problemOf(contexts)).toContain('current-context is not set; set it to one of a, b');
    expect(problemOf('{}')).toContain('current-context is not set; set it to one that you add');
    expect(problemOf(`${contexts}current-context: z`)).toContain(
      'current-context is "z", which is not in contexts; set it to one of a, b',
    );
  });

  test('a context whose cluster or user does not exist', () => {
    const head = 'current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n';
    expect(problemOf(head)).toContain(
      'contexts[name=a].context.cluster is "c", which is not in clusters',
    );
    expect(problemOf(head.replace('cluster: c, ', ''))).toContain(
      'contexts[name=a].context.cluster is missing',
    );
    expect(problemOf(`${head}clusters: [{name: c, cluster: {server: 'https://h'}}]`)).toContain(
      'contexts[name=a].context.user is "u", which is not in users',
    );
  });

  test('a server that is no URL', () => {
    const text = kubeconfigText({}, { server: 'ftp://h' });
    expect(() => loadClusterAccess({ kubeconfig: file(text) })).toThrow(
      expect.objectContaining({
        flag: '--kubeconfig',
        message: expect.stringContaining('clusters[name=c].cluster.server is "ftp://h", not a URL'),
      }),
    );
    expect(() => loadClusterAccess({ master: 'ftp://h' })).toThrow(
      expect.objectContaining({ flag: '--master', message: expect.stringContaining('"ftp://h"') }),
    );
  });

  test('a proxy that is no URL', () => {
    const text = kubeconfigText({}, { server: 'https://h', 'proxy-url': 'proxy:3128' });
    expect(problemOf(text)).toContain(
      'clusters[name=c].cluster.proxy-url is "proxy:3128"; write it as http://HOST:PORT',
    );
  });

  test.each([
    [{}, 'exec.command is missing'],
    [{ command: 'x' }, 'exec.apiVersion is ""; write client.authentication.k8s.io/v1'],
    [{ command: 'x', apiVersion: 'v1' }, 'exec.apiVersion is "v1"; write client.authentication'],
    [{ command: 'x', apiVersion: API, args: 'a' }, 'exec.args is not a list'],
    [{ command: 'x', apiVersion: API, args: ['a', 1] }, 'exec.args[1] is not text'],
    [{ command: 'x', apiVersion: API, env: [{ value: 'v' }] }, 'exec.env[0] is not a name and'],
    [
      { command: 'x', apiVersion: API, env: [{ name: 'A', value: 1 }] },
      'exec.env[0] is not a name',
    ],
    [{ command: 'x', apiVersion: API, env: ['A=B'] }, 'exec.env[0] is not a name and'],
  ])('a plug-in %j', (exec, problem) => {
    expect(problemOf(kubeconfigText({ exec }))).toContain(`users[name=u].user.${problem}`);
  });

  test.each([
    [
      { 'certificate-authority-data': 'hello-world' },
      {},
      'clusters[name=c].cluster.certificate-authority-data is not base64',
    ],
    [
      { 'certificate-authority-data': base64('hello') },
      {},
      'clusters[name=c].cluster.certificate-authority-data holds no PEM certificate',
    ],
    [
      {},
      { 'client-certificate-data': base64(CERTIFICATE), 'client-key-data': base64(OTHER_KEY) },
      'users[name=u].user.client-key-data does not belong to client-certificate-data',
    ],
  ])('a certificate (%#)', (cluster, user, problem) => {
    const text = kubeconfigText(user, { server: 'https://h', ...cluster });
    expect(problemOf(text)).toContain(problem);
  });
});
