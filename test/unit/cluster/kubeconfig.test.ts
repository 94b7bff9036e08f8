import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import type https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { KubeconfigError } from '../../../src/cluster/kubeconfigFile.ts';
import { base64, CERTIFICATE, KEY, OTHER_KEY } from '../../support/certificates.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string | Uint8Array, name = 'config'): string {
  const at = path.join(directory, name);
  writeFileSync(at, text, { mode: 0o755 });
  return at;
}

const API = 'client.authentication.k8s.io/v1';

/** TLS options of the connections that requests are sent over. */
function tlsOptions(agent: http.Agent): https.AgentOptions {
  return (agent as https.Agent).options;
}

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

function kubeconfig(user: object, cluster?: object): string {
  return file(kubeconfigText(user, cluster));
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
      /^kubeconfig .*\/config:3:\d+: YAML is not valid: /,
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
    const text = kubeconfigText({}, { server: 'ftp://h' });
    expect(problemOf(text)).toContain('clusters[name=c].cluster.server is "ftp://h", not a URL');
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
    [{ command: 'x', apiVersion: API, args: 'a' }, 'exec.args is not a list'],
    [{ command: 'x', apiVersion: API, args: ['a', 1] }, 'exec.args[1] is not text'],
    [{ command: 'x', apiVersion: API, env: [{ value: 'v' }] }, 'exec.env[0] is not a name and'],
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

/** The same files in ../shared/cases/cf-05; each is read by client-go. */
describe('a kubeconfig that client-go reads is read', () => {
  const CONTEXT =
    'contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\nclusters:\n- name: c\n  cluster:\n    server: https://h:1\n';
  const USERS = 'users:\n- name: u\n  user:\n    token: good\n';

  async function authenticated(text: string | Uint8Array) {
    return loadClusterAccess({ kubeconfig: file(text), env: {} }).authenticate();
  }

  test.each([
    ['equal keys, of which the last counts', `${CONTEXT}${USERS}    token: better\n`, 'better'],
    ['a merge key', `base: &b {token: good}\n${CONTEXT}users: [{name: u, user: {<<: *b}}]\n`],
    ['a marker at the end', `---\n${CONTEXT}${USERS}---\n`],
    ['a second document', `${CONTEXT}${USERS}---\nkind: Other\n`],
    ['UTF-16', Buffer.from(`\ufeff${CONTEXT}${USERS}`, 'utf16le')],
    ['a scheme in capitals', `${CONTEXT}${USERS}`.replace('https:', 'HTTPS:')],
    ['binary data', `${CONTEXT}users: [{name: u, user: {token: !!binary Z29vZA==}}]\n`],
  ])('%s', async (_, text, token = 'good') => {
    expect((await authenticated(text)).headers).toEqual({ Authorization: `Bearer ${token}` });
  });

  test('with a switch of YAML 1.1', async () => {
    const { agent } = await authenticated(`${CONTEXT}    insecure-skip-tls-verify: yes\n${USERS}`);
    expect(tlsOptions(agent)).toMatchObject({ rejectUnauthorized: false });
  });

  test('with a CA that is binary data of base64', async () => {
    const twice = base64(base64(CERTIFICATE));
    const { agent } = await authenticated(
      `${CONTEXT}    certificate-authority-data: !!binary ${twice}\n${USERS}`,
    );
    expect(String(tlsOptions(agent).ca)).toBe(CERTIFICATE);
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
    const exec = {
      apiVersion: API,
      command: 'no-such-plug-in-anywhere',
      installHint: 'get it from the shop',
    };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ exec }) });
    await expect(access.authenticate()).rejects.toThrow(
      /^credentials of kubeconfig .*: exec plug-in no-such-plug-in-anywhere: .*ENOENT\); get it from the shop/,
    );
  });

  test('a plug-in that wants to know gets to know the cluster, with what is in its files', async () => {
    file(CERTIFICATE, 'ca.pem');
    file(
      '#!/bin/sh\nprintf %s "$KUBERNETES_EXEC_INFO" >"$OUT"\necho \'{"status":{"token":"t"}}\'',
      'tell',
    );
    const out = path.join(directory, 'info.json');
    const exec = { apiVersion: API, command: './tell', env: [{ name: 'OUT', value: out }] };
    const cluster = {
      server: 'https://h:1/',
      'certificate-authority': 'ca.pem',
      'tls-server-name': 'api',
      'proxy-url': 'http://proxy:3128',
      extensions: [
        { name: 'other', extension: { x: 1 } },
        { name: 'client.authentication.k8s.io/exec', extension: { audience: 'a' } },
      ],
    };
    const told = async (own: object) => {
      const at = kubeconfig({ exec: { ...exec, ...own } }, cluster);
      await loadClusterAccess({ kubeconfig: at }).authenticate();
      return JSON.parse(readFileSync(out, 'utf8')) as { spec: object };
    };
    expect((await told({})).spec).toEqual({ interactive: false });
    expect((await told({ provideClusterInfo: true })).spec).toEqual({
      interactive: false,
      cluster: {
        server: 'https://h:1',
        'certificate-authority-data': base64(CERTIFICATE),
        'tls-server-name': 'api',
        'proxy-url': 'http://proxy:3128',
        config: { audience: 'a' },
      },
    });
  });

  test('a plug-in is left alone where there is a token, as by client-go', async () => {
    const exec = { apiVersion: API, command: 'no-such-plug-in-anywhere' };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ exec, token: 'given' }) });
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer given' });
  });

  test('a certificate of a plug-in is used, and looked at', async () => {
    const answer = (key: string) =>
      JSON.stringify({ status: { clientCertificateData: CERTIFICATE, clientKeyData: key } });
    file(answer(KEY), 'answer.json');
    file(`#!/bin/sh\ncat ${directory}/answer.json`, 'give');
    const exec = { apiVersion: API, command: './give' };
    const at = kubeconfig({ exec }, { server: 'https://h:1' });
    const { agent } = await loadClusterAccess({ kubeconfig: at }).authenticate();
    expect(tlsOptions(agent)).toMatchObject({ cert: CERTIFICATE, key: KEY });
    file(answer(OTHER_KEY), 'answer.json');
    await expect(loadClusterAccess({ kubeconfig: at }).authenticate()).rejects.toThrow(
      'client-key of the exec plug-in does not belong to client-certificate of the exec plug-in',
    );
  });

  test('files of certificates are looked at when they are used, and named', async () => {
    const cluster = { server: 'https://h:1', 'certificate-authority': 'ca.pem' };
    const user = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' };
    const access = loadClusterAccess({ kubeconfig: kubeconfig(user, cluster) });
    file('hello', 'ca.pem');
    file(CERTIFICATE, 'cert.pem');
    file(OTHER_KEY, 'key.pem');
    await expect(access.authenticate()).rejects.toMatchObject({
      reason: 'Credentials',
      message: expect.stringMatching(
        /: certificate-authority \/.*ca.pem holds no PEM certificate$/,
      ),
    });
    file(CERTIFICATE, 'ca.pem');
    await expect(access.authenticate()).rejects.toThrow(
      /: client-key \/.*key.pem does not belong to client-certificate \/.*cert.pem; give/,
    );
    file(KEY, 'key.pem');
    const { agent } = await access.authenticate();
    expect((await access.authenticate()).agent).toBe(agent);
    file(`${CERTIFICATE}${CERTIFICATE}`, 'ca.pem');
    expect((await access.authenticate()).agent).not.toBe(agent);
  });

  test('data go before a file of the same name', async () => {
    const cluster = {
      server: 'https://h:1',
      'certificate-authority': 'nowhere.pem',
      'certificate-authority-data': base64(CERTIFICATE),
    };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({}, cluster) });
    expect(tlsOptions((await access.authenticate()).agent)).toMatchObject({
      ca: Buffer.from(CERTIFICATE),
    });
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

  test('without a scheme, http, or https where there are certificates', () => {
    expect(loadClusterAccess({ master: '127.0.0.1:8080' }).server).toBe('http://127.0.0.1:8080');
    const bare = kubeconfig({}, { server: 'h:6443' });
    expect(loadClusterAccess({ kubeconfig: bare }).server).toBe('http://h:6443');
    const cluster = { server: 'h:6443', 'certificate-authority': 'ca.pem' };
    const at = kubeconfig({}, cluster);
    expect(loadClusterAccess({ kubeconfig: at }).server).toBe('https://h:6443');
    expect(loadClusterAccess({ kubeconfig: at, master: 'other' }).server).toBe('https://other');
  });

  test('in a pod, the one of the environment; IPv6 in brackets', async () => {
    file('pod-token', 'token');
    file(CERTIFICATE, 'ca.crt');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const access = loadClusterAccess({ env, serviceAccountDir: directory });
    expect(access.server).toBe('https://[fd00::1]:443');
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer pod-token' });
  });
});
