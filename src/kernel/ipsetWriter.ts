/**
 * Puts entries into sets and takes them out over netlink, each with its own answer: one trip to the
 * kernel takes 256, where the program reads a line, asks the resolver and the kernel's header of
 * the set for each (docs/adr/0009). It knows no reason: what the kernel does not acknowledge is the
 * program's to repeat, and to explain.
 */
import type { Operation } from '../dataplane/operations.ts';
import { DecodeError } from '../net/bytes.ts';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import { encodeSetElement, type SetElement } from '../netlink/ipset.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { KernelError } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { elementOf } from './ipsetElement.ts';
import { type NetlinkRequest, NetlinkSocket } from './netlinkSocket.ts';

export type EntryOperation = Extract<Operation, { readonly entry: string }>;

export class IpsetWriter {
  readonly #socket: NetlinkSocket;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#socket = new NetlinkSocket({ ...options, protocol: NETLINK_NETFILTER }, open);
  }

  /**
   * In the order given. An entry that is there already is added, one that is not there is removed.
   *
   * @returns one an operation: the kernel has acknowledged it. Any may be repeated.
   */
  async write(operations: readonly EntryOperation[]): Promise<readonly boolean[]> {
    const elements = operations.map(({ set, entry }) => elementOf(set.type, entry));
    const known = operations.flatMap((_, i) => (elements[i] === undefined ? [] : [i]));
    const done = operations.map(() => false);
    try {
      const requests = known.map((i) => request(operations[i]!, elements[i]!));
      const outcomes = await this.#socket.execute(requests);
      outcomes.forEach(({ errno }, i) => (done[known[i]!] = errno === 0));
    } catch (error) {
      if (!(error instanceof KernelError || error instanceof DecodeError)) throw error;
    }
    return done;
  }

  close(): void {
    this.#socket.close();
  }
}

function request({ op, set }: EntryOperation, element: SetElement): NetlinkRequest {
  const command = op === 'addEntry' ? 'add' : 'del';
  return { encode: (out, head) => encodeSetElement(out, head, command, set.name, element) };
}
