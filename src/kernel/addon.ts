/**
 * The native addon seen from TypeScript: finds and loads it, checks arguments before they cross
 * over, and turns what it throws into KernelError. Its errors are of another realm under Jest, so
 * they are told by their fields, never by instanceof. What the bytes mean is decided by
 * netlinkSocket.ts; packet sockets are opened by packetSocket.ts. The other side of this border is
 * described in addon/ABI.md.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KernelError } from './errors.ts';
import type { PacketSocket, PacketSocketOptions } from './packetSocket.ts';

export interface SocketOptions {
  /** NETLINK_ROUTE, NETLINK_GENERIC */
  readonly protocol: number;
  /** bit mask of the groups 1 to 32 */
  readonly groups?: number;
  /** the kernel doubles it; without CAP_NET_ADMIN net.core.rmem_max is the limit */
  readonly receiveBufferBytes?: number;
  /**
   * rtnetlink dumps honour the filters in their headers; not before Linux 4.20, so whoever sets it
   * filters too
   */
  readonly strictCheck?: boolean;
  /** such as /run/netns/node1; absent = the namespace of this process */
  readonly networkNamespacePath?: string;
}

export interface RawReplies {
  /** datagrams back to back */
  readonly bytes: Uint8Array;
  /** the kernel dropped some: what is missing is unknown */
  readonly isOverrun: boolean;
}

/**
 * One call at a time (EBUSY otherwise); times in ms, -1 = no limit. All failures are KernelErrors.
 */
export interface RawSocket {
  /**
   * @param request copied before the call returns; replies up to the terminator of its last message
   */
  transact(request: Uint8Array, timeoutMs: number): Promise<RawReplies>;
  /** waits for notifications; ETIMEDOUT, or ECANCELED by close */
  receive(timeoutMs: number): Promise<RawReplies>;
  joinGroup(group: number): void;
  close(): void;
}

/** Tests put a function in its place that plays the kernel. */
export type OpenSocket = (options: SocketOptions) => RawSocket;

/** Protocols that `/etc/services` knows ports of. */
export type ServiceProtocol = 'tcp' | 'udp' | 'sctp';

/** As getsockopt(2) has it. */
export interface SocketOption {
  /** AF_INET, AF_INET6 */
  readonly domain: number;
  readonly level: number;
  readonly name: number;
}

/** Tests put a function in its place that plays the kernel. */
export type ReadOption = (
  option: SocketOption,
  request: Uint8Array,
  sizeBytes: number,
) => Uint8Array;

interface Addon {
  readonly NetlinkSocket: new (options: SocketOptions) => RawSocket;
  /** packetSocket.ts opens it. */
  readonly PacketSocket: new (options: PacketSocketOptions) => PacketSocket;
  hostAddress(name: string): string | undefined;
  servicePort(name: string, protocol: ServiceProtocol): number | undefined;
  serviceName(port: number, protocol: ServiceProtocol): string | undefined;
  tryLock(descriptor: number): boolean;
  readOption(option: SocketOption, request: Uint8Array, size: number): Uint8Array;
}

const FILE = 'kube_ipvs.node';

let loaded: Addon | undefined;

/** @throws KernelError ENOSYS when there is none for this machine */
export function loadedAddon(): Addon {
  return (loaded ??= loadAddon());
}

export const openSocket: OpenSocket = (options) => {
  checkOptions(options);
  const { NetlinkSocket } = loadedAddon();
  const native = translated('open netlink socket', () => new NetlinkSocket(options));
  return {
    transact: (request, timeoutMs) =>
      translatedLater('exchange netlink messages', () => native.transact(request, timeoutMs)),
    receive: (timeoutMs) =>
      translatedLater('receive netlink notifications', () => native.receive(timeoutMs)),
    joinGroup: (group) => {
      translated(`join netlink group ${group}`, () => {
        native.joinGroup(group);
      });
    },
    close: () => {
      native.close();
    },
  };
};

/**
 * What the C library makes of names, by this machine's configuration. `hostAddress` blocks while it
 * waits for a name server: for commands, never for the proxy.
 */
export const libraryNames: Pick<Addon, 'hostAddress' | 'servicePort' | 'serviceName'> = {
  hostAddress: (name) => loadedAddon().hostAddress(name),
  servicePort: (name, protocol) => loadedAddon().servicePort(name, protocol),
  serviceName: (port, protocol) => loadedAddon().serviceName(port, protocol),
};

/**
 * Locks a whole open file for its descriptor alone, until that is closed or the process ends,
 * however it does.
 *
 * @returns false when somebody else holds it; @throws KernelError
 */
export function tryLock(descriptor: number): boolean {
  return translated('lock a file', () => loadedAddon().tryLock(descriptor));
}

/**
 * Asks a raw socket of this namespace.
 *
 * @param request what the answer's room begins with
 * @param sizeBytes of that room, at most 256 MiB
 * @throws KernelError
 */
export const readOption: ReadOption = (option, request, sizeBytes) => {
  if (!Number.isInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > MAX_OPTION_BYTES) {
    throw new RangeError(`a size of ${sizeBytes}, not an integer up to ${MAX_OPTION_BYTES}`);
  }
  const op = `read option ${option.name} of level ${option.level}`;
  return translated(op, () => loadedAddon().readOption(option, request, sizeBytes));
};

const MAX_OPTION_BYTES = 256 * 1024 * 1024;

function checkOptions(options: SocketOptions): void {
  const limits = { protocol: 31, groups: 0x7fff_ffff, receiveBufferBytes: 0x3fff_ffff } as const;
  for (const [name, limit] of Object.entries(limits)) {
    const value = options[name as keyof typeof limits] ?? 0;
    if (!Number.isInteger(value) || value < 0 || value > limit) {
      throw new RangeError(`${name} is ${value}, not an integer between 0 and ${limit}`);
    }
  }
}

/**
 * Next to the bundle, else where node-gyp puts it below the package's root; KUBE_IPVS_ADDON
 * (sanitizer runs) goes before both.
 */
function loadAddon(): Addon {
  const candidates = addonCandidates(
    dirname(fileURLToPath(import.meta.url)),
    process.env['KUBE_IPVS_ADDON'],
  );
  const path = candidates.find((candidate) => existsSync(candidate));
  const op = 'load the native addon';
  const errno = constants.errno.ENOSYS;
  if (path === undefined) {
    const hint = `looked for ${candidates.join(', ')}; \`npm run build:addon\` makes it`;
    throw new KernelError({ op, errno, hint });
  }
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    // Built for another machine or C library, or cut short.
    throw new KernelError({ op, errno, hint: String(cause), cause });
  }
}

/** @param folder of this module: dist/ when bundled, src/kernel/ otherwise */
export function addonCandidates(folder: string, override: string | undefined): readonly string[] {
  if (override !== undefined && override !== '') return [override];
  const below = (root: string) => join(root, 'build', 'Release', FILE);
  return [join(folder, FILE), below(join(folder, '..')), below(join(folder, '..', '..'))];
}

/** @throws KernelError about `op` for what the addon refuses */
export function translated<T>(op: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toKernelError(op, error);
  }
}

/** The same for a promise. */
export async function translatedLater<T>(op: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toKernelError(op, error);
  }
}

/** A wrong argument comes as TypeError without `errno`: a bug, passed on as it is. */
function toKernelError(op: string, error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return error;
  const { errno } = error;
  if (typeof errno !== 'number') return error;
  const hint = 'message' in error ? String(error.message) : undefined;
  return new KernelError({ op, errno, hint, cause: error });
}
