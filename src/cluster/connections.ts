/**
 * Connections to an API server, kept open as long as their TLS material stays the same: directly,
 * or through a proxy.
 */
import http from 'node:http';
import https from 'node:https';
import { SocksProxyAgent } from 'socks-proxy-agent';
import type { ProxyChoice } from './proxyChoice.ts';

export const TLS_FIELDS = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'] as const;

export type TlsMaterial = Partial<Record<(typeof TLS_FIELDS)[number], unknown>>;

/**
 * Idle ms before a connection is probed; a peer that is gone is noticed about ten seconds later.
 */
export const TCP_KEEP_ALIVE_MS = 30_000;

export function openConnections(
  server: string,
  material: TlsMaterial,
  proxy: ProxyChoice | undefined,
): http.Agent {
  const keepAlive = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE_MS };
  if (proxy?.url.startsWith('socks') === true) {
    // The proxy looks the name up, as for Go. No time-out for idle connections: here a quiet watch
    // would count as one.
    const url = proxy.url.replace(/^socks5?:/, 'socks5h:');
    return new SocksProxyAgent(url, { ...keepAlive, ...material });
  }
  const common = { ...keepAlive, timeout: 120_000 };
  // Whether this server needs it has been decided; NO_PROXY as Node reads it knows no prefixes.
  const through =
    proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } };
  if (server.startsWith('http:')) return new http.Agent({ ...common, ...through });
  return new https.Agent({ ...common, ...material, ...through } as https.AgentOptions);
}

export function isSameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return TLS_FIELDS.every((field) => String(a[field]) === String(b[field]));
}
