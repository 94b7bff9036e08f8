/**
 * Reads sets over netlink: the program resolves the name of each entry's protocol anew and takes
 * ten times as long (docs/adr/0003).
 */
import { familyOfSet } from '../dataplane/setNames.ts';
import type { IpSet, IpSetType } from '../dataplane/state.ts';
import type { Family } from '../net/family.ts';
import { AF_INET6, NETLINK_NETFILTER } from '../netlink/constants.ts';
import {
  decodeSetPart,
  encodeDumpSet,
  encodeDumpSetHeaders,
  type SetElement,
  type SetHeader,
} from '../netlink/ipset.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode, isUnknownSubsystem, KernelError, NET_ADMIN_CURE } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { entryOf } from './ipsetElement.ts';
import { NetlinkSocket } from './netlinkSocket.ts';

const NONE: ReadonlyMap<string, IpSet> = new Map();

export class IpsetReader {
  readonly #socket: NetlinkSocket;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#socket = new NetlinkSocket({ ...options, protocol: NETLINK_NETFILTER }, open);
  }

  /**
   * Those of `names` that exist; the entries of others are not looked at.
   *
   * @param known see Dataplane.read
   * @throws KernelError
   */
  async read(
    names: readonly string[],
    known: ReadonlyMap<string, IpSet> = NONE,
  ): Promise<ReadonlyMap<string, IpSet>> {
    const headers = await this.#headers();
    const present = names.filter((name) => headers.has(name));
    const filled = present.filter((name) => headers.get(name)!.elementCount !== 0);
    const entries = await this.#unchanged(
      filled.filter((name) => known.has(name)),
      known,
    );
    const others = filled.filter((name) => !entries.has(name));
    const lists = await this.#dump(others, (_, elements) => entriesOf(elements));
    others.forEach((name, i) => entries.set(name, new Set(lists[i]!.flat())));
    return new Map(
      present.map((name) => [name, setOf(name, headers.get(name)!, entries.get(name))]),
    );
  }

  close(): void {
    this.#socket.close();
  }

  async #headers(): Promise<ReadonlyMap<string, SetHeader>> {
    const headers = new Map<string, SetHeader>();
    const request = { encode: encodeDumpSetHeaders };
    const [parts = []] = await this.#socket
      .dump('list ipsets', [request], decodeSetPart)
      .catch(explain);
    for (const { name, header } of parts) if (header !== undefined) headers.set(name, header);
    return headers;
  }

  /**
   * Entries of the sets that hold just what is known. A dump lists no entry twice, so counting will
   * do, and nothing is kept of what it says.
   */
  async #unchanged(
    names: readonly string[],
    known: ReadonlyMap<string, IpSet>,
  ): Promise<Map<string, ReadonlySet<string>>> {
    const wanted = names.map((name) => known.get(name)!.entries);
    const counts = await this.#dump(names, (i, elements) =>
      elements.every((element) => wanted[i]!.has(entryOf(element))) ? elements.length : NaN,
    );
    const unchanged = new Map<string, ReadonlySet<string>>();
    names.forEach((name, i) => {
      const count = counts[i]!.reduce((sum, each) => sum + each, 0);
      if (count === wanted[i]!.size) unchanged.set(name, wanted[i]!);
    });
    return unchanged;
  }

  /** @param keep what of each part of a set */
  #dump<T>(
    names: readonly string[],
    keep: (index: number, elements: readonly SetElement[]) => T,
  ): Promise<readonly (readonly T[])[]> {
    const requests = names.map((name) => ({
      encode: (...[out, head]: Parameters<typeof encodeDumpSetHeaders>) =>
        encodeDumpSet(out, head, name),
    }));
    return this.#socket.dump('list entries of ipsets', requests, (message, i) =>
      keep(i, decodeSetPart(message).elements),
    );
  }
}

/** Shared with the program's errors: they come of the same kernel. */
export const NO_MODULE_CURE = 'is the kernel module ip_set there? try: modprobe ip_set';

function explain(error: unknown): never {
  const hint = cureFor(error);
  throw error instanceof KernelError && hint !== undefined ? error.withHint(hint) : error;
}

function cureFor(error: unknown): string | undefined {
  if (isUnknownSubsystem(error)) return NO_MODULE_CURE;
  return hasCode(error, 'EPERM') ? NET_ADMIN_CURE : undefined;
}

function setOf(
  name: string,
  { type, addressFamily, maxElements }: SetHeader,
  entries: ReadonlySet<string> = new Set(),
): IpSet {
  return {
    name,
    // a type that is not ours stays visible as it is: it differs from the desired one
    type: type as IpSetType,
    family: type.startsWith('bitmap:') ? familyOfSet(name) : familyFrom(addressFamily),
    entries,
    ...(maxElements === undefined ? {} : { maxElements }),
  };
}

function familyFrom(addressFamily: number): Family {
  return addressFamily === AF_INET6 ? 'IPv6' : 'IPv4';
}

/** None of a set whose type is not ours: it is replaced as a whole. */
function entriesOf(elements: readonly SetElement[]): readonly string[] {
  return elements.map(entryOf).filter((entry) => entry !== '');
}
