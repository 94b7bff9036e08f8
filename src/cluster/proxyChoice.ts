/**
 * Which proxy the way to an API server leads through: `proxy-url` of the kubeconfig, else
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment, to the letter as Go reads them.
 * Tunnelling is connections.ts.
 *
 * @see golang.org/x/net/http/httpproxy
 */
import { isIP } from 'node:net';
import { isLoopback, parseAddress } from '../net/address.ts';
import { parsePrefix, prefixContains } from '../net/prefix.ts';

export interface ProxyChoice {
  readonly url: string;
  /** `proxy http://10.0.0.1:3128 of HTTPS_PROXY`, without a password, for messages */
  readonly description: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @returns undefined when the server is reached directly; a variable that is no URL counts as unset
 */
export function proxyFromEnvironment(server: URL, env: Environment): ProxyChoice | undefined {
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = variable(env, name);
  const url = parseProxyUrl(value.includes('://') ? value : `http://${value}`);
  if (url === undefined) return undefined;
  if (!needsProxy(server, variable(env, 'NO_PROXY'))) return undefined;
  return chosenProxy(url, name);
}

/** @param origin where it is written */
export function chosenProxy(url: URL, origin: string): ProxyChoice {
  return { url: url.href, description: `proxy ${url.protocol}//${url.host} of ${origin}` };
}

/** @returns undefined for what is no URL of a proxy: http, https or socks, and a host */
export function parseProxyUrl(text: string): URL | undefined {
  if (!/^(https?|socks(4a?|5h?)?):\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname === '' ? undefined : url;
}

function variable(env: Environment, name: string): string {
  return env[name] || env[name.toLowerCase()] || '';
}

function needsProxy(server: URL, exceptions: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const address = parseAddress(host);
  if (host === 'localhost' || (address !== undefined && isLoopback(address))) return false;
  return !exceptions
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && isException(entry, host, port));
}

/**
 * One entry of NO_PROXY: `*`, a prefix, or an address, domain or host name, each of these with a
 * port or without.
 */
function isException(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const address = parseAddress(host);
  const prefix = parsePrefix(entry);
  if (prefix !== undefined) return address !== undefined && prefixContains(prefix, address);
  const [name, itsPort] = splitPort(entry);
  if (name === '' || (itsPort !== '' && itsPort !== port)) return false;
  const itsAddress = parseAddress(name);
  if (itsAddress !== undefined) return itsAddress === address;
  const domain = name.replace(/^\*\./, '.');
  // `.example.com` is everything below, `example.com` that and itself.
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}

function splitPort(entry: string): readonly [name: string, port: string] {
  const found = /^(?:\[(?<bracketed>.*)\]|(?<plain>[^:]*)):(?<port>[^:]*)$/.exec(entry)?.groups;
  if (found === undefined || isIP(entry) !== 0) return [entry, ''];
  return [found['bracketed'] ?? found['plain'] ?? '', found['port'] ?? ''];
}
