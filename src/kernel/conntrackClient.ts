/**
 * UDP connections of netfilter in one network namespace: list those sent to some addresses and
 * ports, delete some. Decides how to read cheaply: a node's table may hold a million entries, of
 * which few are asked for. Folded here: deleting what is gone.
 */
import { constants } from 'node:os';
import { type Address, joinHostPort } from '../net/address.ts';
import { type Family, PROTOCOL_NUMBER } from '../net/family.ts';
import {
  type ConntrackEntry,
  type ConntrackFilter,
  decodeConntrack,
  encodeDeleteConntrack,
  encodeDumpConntrack,
} from '../netlink/conntrack.ts';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import type { MessageCursor } from '../netlink/message.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { isUnknownSubsystem, KernelError } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { type NetlinkRequest, NetlinkSocket } from './netlinkSocket.ts';

export interface Frontend {
  readonly address: Address;
  readonly port: number;
}

/**
 * Each filtered dump walks the whole table in the kernel; beyond this one dump of all UDP is
 * cheaper.
 */
const MAX_DUMPS = 8;
const UDP = PROTOCOL_NUMBER.UDP;

export class ConntrackClient {
  readonly #socket: NetlinkSocket;
  /** learned from an answer: kernels before 5.8 list everything, whatever is asked */
  #ignoresFilters = false;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#socket = new NetlinkSocket({ ...options, protocol: NETLINK_NETFILTER }, open);
  }

  /**
   * UDP entries of the default zone whose original destination is one of these, all of one family.
   * @throws KernelError
   */
  async listUdp(family: Family, to: readonly Frontend[]): Promise<readonly ConntrackEntry[]> {
    const wanted = new Set(to.map(({ address, port }) => joinHostPort(address, port)));
    const filters = filtersFor(family, to);
    if (filters.length > MAX_DUMPS || this.#ignoresFilters) {
      return (await this.#dump({ family, protocol: UDP }, wanted)).found;
    }
    const all: ConntrackEntry[] = [];
    for (const filter of filters) {
      const { found, isWhole } = await this.#dump(filter, wanted);
      if (isWhole) {
        this.#ignoresFilters = true;
        return found;
      }
      // not push(...found): a busy resolver has more entries than a call can have arguments
      for (const entry of found) all.push(entry);
    }
    return all;
  }

  /**
   * @returns how many there were; an entry that has been replaced by a later one is not there.
   * @throws KernelError
   */
  async delete(entries: readonly ConntrackEntry[]): Promise<number> {
    const outcomes = await this.#socket.execute(
      entries.map((entry) => ({
        encode: (out, head) => {
          encodeDeleteConntrack(out, head, entry);
        },
      })),
    );
    const { ENOENT } = constants.errno;
    const at = outcomes.findIndex(({ errno }) => errno !== 0 && errno !== ENOENT);
    if (at < 0) return outcomes.filter(({ errno }) => errno === 0).length;
    const { destination, destinationPort } = entries[at]!.original;
    const op = `delete conntrack entry to ${joinHostPort(destination, destinationPort)}/UDP`;
    throw new KernelError({ op, ...outcomes[at]! });
  }

  close(): void {
    this.#socket.close();
  }

  /** @returns `isWhole`: the kernel listed what the filter excludes */
  async #dump(filter: ConntrackFilter, wanted: ReadonlySet<string>) {
    let isWhole = false;
    const decode = (message: MessageCursor): ConntrackEntry | undefined => {
      const entry = decodeConntrack(message);
      isWhole ||= entry === undefined || !matches(entry, filter);
      return entry !== undefined && isWanted(entry, wanted) ? entry : undefined;
    };
    const request: NetlinkRequest = {
      encode: (out, head) => {
        encodeDumpConntrack(out, head, filter);
      },
    };
    const [found = []] = await this.#explained(() =>
      this.#socket.dump(`list UDP connections of ${filter.family}`, [request], decode),
    );
    return { found, isWhole };
  }

  async #explained<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (!(cause instanceof KernelError) || !isUnknownSubsystem(cause)) {
        throw cause;
      }
      throw cause.withHint('load or install the kernel module nf_conntrack_netlink');
    }
  }
}

/** IPv6 by port alone, see {@link ConntrackFilter}. */
function filtersFor(family: Family, to: readonly Frontend[]): ConntrackFilter[] {
  if (family === 'IPv4') return to.map((one) => ({ family, protocol: UDP, ...one }));
  return [...new Set(to.map(({ port }) => port))].map((port) => ({ family, protocol: UDP, port }));
}

function isWanted({ protocol, zone, original }: ConntrackEntry, wanted: ReadonlySet<string>) {
  if (protocol !== UDP || zone !== 0) return false;
  return wanted.has(joinHostPort(original.destination, original.destinationPort));
}

function matches({ protocol, original }: ConntrackEntry, filter: ConntrackFilter): boolean {
  const { address = original.destination, port = original.destinationPort } = filter;
  return (
    protocol === filter.protocol &&
    original.destination === address &&
    original.destinationPort === port
  );
}
