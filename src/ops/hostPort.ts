/** `healthzBindAddress` and `metricsBindAddress` taken apart. */
import { parseAddress } from '../net/address.ts';

export interface HostPort {
  /** an IP address; the unspecified one binds every address of its family (`::` both) */
  readonly host: string;
  /** 0 lets the kernel choose */
  readonly port: number;
}

/**
 * @param text `0.0.0.0:10256`, `[::]:10256`; also without a port
 * @param defaultPort used where `text` has none
 * @returns undefined when it is neither
 */
export function parseHostPort(text: string, defaultPort: number): HostPort | undefined {
  const bare = parseAddress(text);
  if (bare !== undefined) return { host: bare, port: defaultPort };
  const parts = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, bracketed, plain, portText] = parts;
  const host = parseAddress(bracketed ?? plain ?? '');
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === undefined || port > 65_535) return undefined;
  if (host.includes(':') !== (bracketed !== undefined)) return undefined;
  return { host, port };
}
