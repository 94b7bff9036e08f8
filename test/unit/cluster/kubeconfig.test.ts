import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import type https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadClusterAccess } from '../../../src/cluster/kubeconfig.ts';
import { base64, CERTIFICATE, KEY, OTHER_KEY } from '../../support/objects/certificates.ts';

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

/** What the kubelet tells every container. */
const POD = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
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
    let cluster: object = {
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
    cluster = {
      server: 'https://h:1',
      'certificate-authority': '',
      'insecure-skip-tls-verify': true,
      'disable-compression': true,
    };
    expect((await told({ provideClusterInfo: true })).spec).toEqual({
      interactive: false,
      cluster: {
        server: 'https://h:1',
        'insecure-skip-tls-verify': true,
        'disable-compression': true,
      },
    });
    const data = { 'certificate-authority-data': base64(CERTIFICATE) };
    cluster = { server: 'https://h:1', 'certificate-authority': 'nowhere.pem', ...data };
    expect(await told({ provideClusterInfo: true })).toMatchObject({ spec: { cluster: data } });
  });

  test('a plug-in gets what the kubeconfig says of its environment, also what is empty', async () => {
    file('#!/bin/sh\necho \'{"status":{"token":"\'"${EMPTY-unset}-$FULL-$1"\'"}}\'', 'tell');
    const env = [{ name: 'EMPTY' }, { name: 'FULL', value: 'x' }];
    const exec = { apiVersion: API, command: './tell', args: ['y'], env };
    const { headers } = await loadClusterAccess({
      kubeconfig: kubeconfig({ exec }),
    }).authenticate();
    expect(headers).toEqual({ Authorization: 'Bearer -x-y' });
  });

  test('a plug-in that must have a terminal is not started', async () => {
    const exec = { apiVersion: API, command: './tell', interactiveMode: 'Always' };
    const access = loadClusterAccess({ kubeconfig: kubeconfig({ exec }) });
    await expect(access.authenticate()).rejects.toThrow('interactiveMode Always needs a terminal');
  });

  test.each([
    [{ token: 'given' }, { Authorization: 'Bearer given' }],
    [{ tokenFile: 'given' }, { Authorization: 'Bearer of the file' }],
    [{ username: 'a', password: 'b' }, { Authorization: `Basic ${base64('a:b')}` }],
    [{ 'client-certificate': 'cert.pem', 'client-key': 'key.pem' }, {}],
    [{ 'client-certificate-data': base64(CERTIFICATE), 'client-key': 'key.pem' }, {}],
  ])('a plug-in is left alone where there is (%#), as by client-go', async (others, headers) => {
    file('of the file', 'given');
    file(CERTIFICATE, 'cert.pem');
    file(KEY, 'key.pem');
    const exec = { apiVersion: API, command: 'no-such-plug-in-anywhere' };
    const at = kubeconfig({ exec, ...others }, { server: 'https://h:1' });
    expect((await loadClusterAccess({ kubeconfig: at }).authenticate()).headers).toEqual(headers);
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
    const user = {
      'client-certificate': 'nowhere.pem',
      'client-certificate-data': base64(CERTIFICATE),
      'client-key': 'nowhere.pem',
      'client-key-data': base64(KEY),
    };
    const access = loadClusterAccess({ kubeconfig: kubeconfig(user, cluster) });
    expect(tlsOptions((await access.authenticate()).agent)).toMatchObject({
      ca: Buffer.from(CERTIFICATE),
      cert: Buffer.from(CERTIFICATE),
      key: Buffer.from(KEY),
    });
  });

  test('the certificate of the server may be for another name, which is asked for', async () => {
    const named = (name: string) => ({ server: 'https://10.0.0.1:6443', 'tls-server-name': name });
    const at = kubeconfig({}, named('api.test'));
    const { agent } = await loadClusterAccess({ kubeconfig: at }).authenticate();
    expect(tlsOptions(agent)).toMatchObject({ servername: 'api.test' });
    const access = loadClusterAccess({ kubeconfig: at });
    await access.authenticate();
    kubeconfig({}, named('other.test'));
    access.refresh();
    expect(tlsOptions((await access.authenticate()).agent)).toMatchObject({
      servername: 'other.test',
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

  test.each([
    [{ 'insecure-skip-tls-verify': true }, {}, 'https'],
    [{ 'insecure-skip-tls-verify': false }, { token: 't' }, 'http'],
    [{ 'certificate-authority-data': base64(CERTIFICATE) }, {}, 'https'],
    [{}, { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' }, 'https'],
    [{}, { 'client-certificate-data': base64(CERTIFICATE), 'client-key': 'key.pem' }, 'https'],
  ])('without a scheme (%#)', (cluster, user, scheme) => {
    const at = kubeconfig(user, { server: 'h:6443', ...cluster });
    expect(loadClusterAccess({ kubeconfig: at }).server).toBe(`${scheme}://h:6443`);
  });

  test('in a pod, the one of the environment; IPv6 in brackets', async () => {
    file('pod-token', 'token');
    file(CERTIFICATE, 'ca.crt');
    const access = loadClusterAccess({ env: POD, serviceAccountDir: directory });
    expect(access.server).toBe('https://[fd00::1]:443');
    const env = { ...POD, KUBERNETES_SERVICE_HOST: '10.96.0.1' };
    expect(loadClusterAccess({ env, serviceAccountDir: directory }).server).toBe(
      'https://10.96.0.1:443',
    );
    expect((await access.authenticate()).headers).toEqual({ Authorization: 'Bearer pod-token' });
  });
});
