import { describe, expect, test } from '@jest/globals';
import { parseProxyUrl, proxyFromEnvironment } from '../../../src/cluster/proxyChoice.ts';

const PROXY = 'http://proxy:3128';

function isProxied(server: string, exceptions: string): boolean {
  const env = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: exceptions };
  return proxyFromEnvironment(new URL(server), env) !== undefined;
}

describe('the variables', () => {
  const server = new URL('https://api:6443');

  test.each([
    [{ HTTPS_PROXY: PROXY }, 'http://proxy:3128/'],
    [{ https_proxy: PROXY }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: '', https_proxy: PROXY }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: 'http://first:1', https_proxy: PROXY }, 'http://first:1/'],
    [{ HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: 'socks5://proxy:1080' }, 'socks5://proxy:1080'],
    [{ HTTP_PROXY: PROXY }, undefined],
    [{ HTTPS_PROXY: 'http://' }, undefined],
    [{ HTTPS_PROXY: 'ftp://proxy' }, undefined],
    [{ ALL_PROXY: PROXY }, undefined],
    [{}, undefined],
  ])('%j', (env, url) => {
    expect(proxyFromEnvironment(server, env)?.url).toBe(url);
  });

  test('HTTP_PROXY is for plain http', () => {
    const env = { HTTP_PROXY: PROXY, HTTPS_PROXY: 'http://other' };
    const choice = proxyFromEnvironment(new URL('http://api:8080'), env);
    expect(choice?.url).toBe('http://proxy:3128/');
  });

  test('a password is used, and not told', () => {
    const choice = proxyFromEnvironment(server, { HTTPS_PROXY: 'http://me:secret@proxy:3128' });
    expect(choice).toEqual({
      url: 'http://me:secret@proxy:3128/',
      description: 'proxy http://proxy:3128 of HTTPS_PROXY',
    });
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['https://localhost:6443', ''],
    ['https://127.8.8.8:6443', ''],
    ['https://[::1]:6443', ''],
    ['https://api:6443', '*'],
    ['https://10.96.0.1', '10.96.0.0/12'],
    ['https://[fd00:10:96::1]', 'fd00:10:96::/112'],
    ['https://10.0.0.1', '192.168.0.1, 10.0.0.1 ,x'],
    ['https://10.0.0.1:6443', '10.0.0.1:6443'],
    ['https://[fd00::1]:6443', '[FD00::1]:6443'],
    ['https://[fd00::1]:6443', 'fd00:0::1'],
    ['https://api.example.com:6443', 'example.com'],
    ['https://example.com:6443', 'example.com'],
    ['https://API.Example.com:6443', '.EXAMPLE.com'],
    ['https://api.example.com:6443', '*.example.com'],
    ['https://api.example.com:6443', 'example.com:6443'],
    ['https://api.example.com', 'example.com:443'],
    ['http://api.example.com', 'example.com:80'],
  ])('lets %s go past the proxy with %j', (server, exceptions) => {
    expect(isProxied(server, exceptions)).toBe(false);
  });

  test.each([
    ['https://api:6443', ''],
    ['https://10.112.0.1', '10.96.0.0/12'],
    ['https://10.0.0.1:6443', '10.0.0.1:443'],
    ['https://10.0.0.10', '10.0.0.1'],
    ['https://example.com', '.example.com'],
    ['https://example.com', '*.example.com'],
    ['https://badexample.com', 'example.com'],
    ['https://api.example.com:6443', 'example.com:443'],
    ['https://api', ':6443'],
    ['https://api', ' , '],
  ])('leads %s through it with %j', (server, exceptions) => {
    expect(isProxied(server, exceptions)).toBe(true);
  });
});

test('a proxy of a kubeconfig is a URL with a host', () => {
  expect(parseProxyUrl('http://p:1')?.host).toBe('p:1');
  for (const text of ['p:1', '', 'http://', '://p', 'http://a b']) {
    expect(parseProxyUrl(text)).toBeUndefined();
  }
});
