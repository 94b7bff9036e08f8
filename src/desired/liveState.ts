/**
 * The desired state as it stands, kept up by adding and removing frontends. Addresses and set
 * members are counted: one goes when the last frontend that needs it goes (kubernetes issue 65263).
 * Remembers which keys changed until they are taken.
 */
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Frontend } from './frontends.ts';
import type { ContributedSet, SetMember } from './contributor.ts';
import { setCapacity } from './ipsets.ts';
import { setName } from '../dataplane/setNames.ts';
import type {
  DesiredState,
  IpSet,
  ServerKey,
  UnusedNames,
  VirtualServer,
} from '../dataplane/state.ts';
import type { Touched } from '../dataplane/touched.ts';
import { sameVirtualServer } from './virtualServer.ts';

type MutableSet = { -readonly [key in keyof IpSet]: IpSet[key] } & { entries: Set<string> };

/** What depends on no key. */
export type FixedParts = Pick<DesiredState, 'iptables' | 'sysctls' | 'unused'>;

export class LiveState implements DesiredState {
  readonly virtualServers = new Map<ServerKey, VirtualServer>();
  readonly addresses = new Set<Address>();
  readonly ipsets = new Map<string, MutableSet>();
  iptables: DesiredState['iptables'];
  sysctls: DesiredState['sysctls'];
  unused?: UnusedNames;
  /** users beyond the first: most addresses and members have one */
  readonly #furtherUsers = new Map<string, number>();
  #servers = new Set<ServerKey>();
  #addresses = new Set<Address>();
  #entries = new Map<string, Set<string>>();

  readonly #definitions: readonly ContributedSet[];

  /** @param sets that each family has */
  constructor(sets: readonly ContributedSet[], fixed: FixedParts) {
    this.#definitions = sets;
    this.iptables = fixed.iptables;
    this.sysctls = fixed.sysctls;
    this.setFixed(fixed);
  }

  setFixed({ iptables, sysctls, unused }: FixedParts): void {
    this.iptables = iptables;
    this.sysctls = sysctls;
    if (unused === undefined) delete this.unused;
    else this.unused = unused;
  }

  /** Sets of these families exist from now on. */
  addFamilies(families: readonly Family[]): void {
    for (const family of families) {
      for (const { name, type } of this.#definitions) {
        this.#ensureSet(setName(name, family), type, family);
      }
    }
  }

  /** Only when nothing uses their sets any more. */
  dropFamiliesBut(families: readonly Family[]): void {
    for (const { family, name } of this.ipsets.values()) {
      if (!families.includes(family)) this.ipsets.delete(name);
    }
  }

  /**
   * Puts `next` in the place of `present`. New users come before old ones leave, so that what both
   * need does not change.
   */
  replace(key: ServerKey, present: Frontend | undefined, next: Frontend | undefined): void {
    if (next !== undefined) {
      if (next.isBound) this.#bind(next.server.address);
      this.replaceMembers([], next.members);
    }
    this.#setServer(key, next?.isAnswered === true ? undefined : next?.server);
    if (present !== undefined) {
      this.replaceMembers(present.members, []);
      if (present.isBound) this.#unbind(present.server.address);
    }
  }

  replaceMembers(present: readonly SetMember[], next: readonly SetMember[]): void {
    for (const member of next) this.#addMember(member);
    for (const member of present) this.#removeMember(member);
  }

  /** What changed since the last call. */
  takeTouched(): Touched {
    const touched = { servers: this.#servers, addresses: this.#addresses, entries: this.#entries };
    this.#servers = new Set();
    this.#addresses = new Set();
    this.#entries = new Map();
    return touched;
  }

  #ensureSet(name: string, type: IpSet['type'], family: Family): void {
    if (this.ipsets.has(name)) return;
    const maxElements = setCapacity(type, 0);
    const capacity = maxElements === undefined ? {} : { maxElements };
    this.ipsets.set(name, { name, type, family, entries: new Set(), ...capacity });
  }

  #setServer(key: ServerKey, server: VirtualServer | undefined): void {
    const present = this.virtualServers.get(key);
    if (server === undefined) {
      if (this.virtualServers.delete(key)) this.#servers.add(key);
    } else if (present === undefined || !sameVirtualServer(present, server)) {
      this.virtualServers.set(key, server);
      this.#servers.add(key);
    }
  }

  #bind(address: Address): void {
    if (!this.addresses.has(address)) {
      this.addresses.add(address);
      this.#addresses.add(address);
    } else {
      this.#addUser(address);
    }
  }

  #unbind(address: Address): void {
    if (this.#dropUser(address)) return;
    this.addresses.delete(address);
    this.#addresses.add(address);
  }

  #addMember({ set: name, entry }: SetMember): void {
    const set = this.ipsets.get(name)!;
    if (set.entries.has(entry)) this.#addUser(`${name} ${entry}`);
    else {
      set.entries.add(entry);
      this.#noteEntry(set, entry);
    }
  }

  #removeMember({ set: name, entry }: SetMember): void {
    if (this.#dropUser(`${name} ${entry}`)) return;
    const set = this.ipsets.get(name)!;
    set.entries.delete(entry);
    this.#noteEntry(set, entry);
  }

  #noteEntry(set: MutableSet, entry: string): void {
    const noted = this.#entries.get(set.name) ?? new Set();
    this.#entries.set(set.name, noted.add(entry));
    const maxElements = setCapacity(set.type, set.entries.size);
    if (maxElements !== undefined) set.maxElements = maxElements;
  }

  #addUser(key: string): void {
    this.#furtherUsers.set(key, (this.#furtherUsers.get(key) ?? 0) + 1);
  }

  /** @returns false when the last user goes */
  #dropUser(key: string): boolean {
    const further = this.#furtherUsers.get(key);
    if (further === undefined) return false;
    if (further === 1) this.#furtherUsers.delete(key);
    else this.#furtherUsers.set(key, further - 1);
    return true;
  }
}
