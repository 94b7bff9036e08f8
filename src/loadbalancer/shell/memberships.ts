/**
 * Solicited-node groups that this node is a member of, so that switches that listen to MLD reports
 * let questions through. The kernel reports what a UDP socket joins; nothing is received by it. One
 * socket holds only some hundred groups (`net.core.optmem_max`), so there are several, and none is
 * of two interfaces: leaving by the name of an interface that went would leave the group elsewhere.
 * The kernel takes its time for each group, so thousands are joined a few at a time, and answers go
 * on in between.
 */
import { createSocket } from 'node:dgram';
import { hasCode } from '../../kernel/errors.ts';
import type { Address } from '../../net/address.ts';
import type { Clock } from '../../time/clock.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';

/** What is used of a socket of node:dgram. */
export interface MembershipSocket {
  addMembership(group: string, multicastInterface: string): void;
  dropMembership(group: string, multicastInterface: string): void;
  close(): void;
}

export interface MembershipOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** undefined: it works again */
  readonly onFailure: (subject: string, error: unknown) => void;
  /** tests put a function in its place */
  readonly openMembershipSocket?: () => MembershipSocket;
}

interface Holder {
  readonly socket: MembershipSocket;
  readonly groups: Set<Address>;
}

/** An interface that is there. */
interface Attachment {
  readonly ifindex: number;
  readonly holders: Holder[];
}

interface Membership {
  readonly group: Address;
  readonly interfaceName: string;
}

/** Joined or left before others have their turn: some hundred microseconds each. */
const AT_A_TIME = 8;
const RETRY_MS = 5000;

export class Memberships {
  readonly #options: MembershipOptions;
  /** by the interface's name: how many addresses need the group */
  readonly #wanted = new Map<string, Map<Address, number>>();
  readonly #attached = new Map<string, Attachment>();
  /** to be looked at: wanted and not joined, or the other way round */
  readonly #due = new Map<string, Membership>();
  /** could not be joined */
  readonly #failing = new Map<string, Membership>();
  #cancelWork: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Once more for each time; an interface that is not there yet is joined on when it is. */
  join(group: Address, interfaceName: string): void {
    const groups = this.#wanted.get(interfaceName) ?? new Map<Address, number>();
    this.#wanted.set(interfaceName, groups);
    groups.set(group, (groups.get(group) ?? 0) + 1);
    this.#look({ group, interfaceName });
  }

  leave(group: Address, interfaceName: string): void {
    const groups = this.#wanted.get(interfaceName);
    const count = groups?.get(group) ?? 0;
    if (count > 1) groups?.set(group, count - 1);
    else groups?.delete(group);
    this.#look({ group, interfaceName });
  }

  /** Only those with IPv6 can be joined on. */
  setCarriers(carriers: readonly CarrierInterface[]): void {
    const usable = carriers.filter(({ neighborSource }) => neighborSource !== undefined);
    const indexes = new Map(usable.map(({ name, ifindex }) => [name, ifindex]));
    for (const [name, { ifindex }] of this.#attached) {
      if (indexes.get(name) !== ifindex) this.#detach(name);
    }
    for (const [interfaceName, ifindex] of indexes) {
      if (this.#attached.has(interfaceName)) continue;
      this.#attached.set(interfaceName, { ifindex, holders: [] });
      const groups = this.#wanted.get(interfaceName) ?? new Map<Address, number>();
      for (const group of groups.keys()) this.#look({ group, interfaceName });
    }
  }

  close(): void {
    this.#cancelWork?.();
    this.#cancelRetry?.();
    for (const name of this.#attached.keys()) this.#detach(name);
  }

  #look(membership: Membership): void {
    this.#due.set(keyOf(membership), membership);
    this.#cancelWork ??= this.#options.clock.after(0, () => this.#work());
  }

  #work(): void {
    this.#cancelWork = undefined;
    let left = AT_A_TIME;
    for (const [key, membership] of this.#due) {
      if (left-- === 0) break;
      this.#due.delete(key);
      this.#settle(membership);
    }
    if (this.#due.size > 0) {
      this.#cancelWork = this.#options.clock.after(0, () => this.#work());
    }
  }

  /** Joins or leaves, whatever is missing. */
  #settle(membership: Membership): void {
    const { group, interfaceName } = membership;
    const attachment = this.#attached.get(interfaceName);
    const isWanted = this.#wanted.get(interfaceName)?.has(group) === true;
    const holder = attachment?.holders.find(({ groups }) => groups.has(group));
    if (!isWanted || attachment === undefined) {
      if (attachment !== undefined && holder !== undefined) exit(membership, attachment, holder);
      this.#noteSuccess(membership);
      return;
    }
    if (holder !== undefined) return;
    try {
      this.#enter(membership, attachment);
      this.#noteSuccess(membership);
    } catch (error) {
      this.#noteFailure(membership, error);
    }
  }

  #enter({ group, interfaceName }: Membership, { holders }: Attachment): void {
    const place = `::%${interfaceName}`;
    const last = holders.at(-1);
    try {
      if (last !== undefined) {
        last.socket.addMembership(group, place);
        last.groups.add(group);
        return;
      }
    } catch (error) {
      if (!hasCode(error, 'ENOMEM', 'ENOBUFS')) throw error;
    }
    const socket = (this.#options.openMembershipSocket ?? openSocket)();
    try {
      socket.addMembership(group, place);
    } catch (error) {
      socket.close();
      throw error;
    }
    holders.push({ socket, groups: new Set([group]) });
  }

  #detach(name: string): void {
    for (const { socket } of this.#attached.get(name)!.holders) socket.close();
    this.#attached.delete(name);
    for (const failing of this.#failing.values()) {
      if (failing.interfaceName === name) this.#noteSuccess(failing);
    }
  }

  /** Told once for an interface, however many groups fail. */
  #noteFailure(membership: Membership, error: unknown): void {
    const { interfaceName } = membership;
    if (!this.#isFailing(interfaceName)) this.#options.onFailure(subjectOf(interfaceName), error);
    this.#failing.set(keyOf(membership), membership);
    this.#cancelRetry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      for (const each of this.#failing.values()) this.#look(each);
    });
  }

  /** Nothing is wrong with it any more: it was joined, or is not wanted. */
  #noteSuccess(membership: Membership): void {
    const { interfaceName } = membership;
    if (!this.#failing.delete(keyOf(membership)) || this.#isFailing(interfaceName)) return;
    this.#options.onFailure(subjectOf(interfaceName), undefined);
  }

  #isFailing(name: string): boolean {
    return [...this.#failing.values()].some(({ interfaceName }) => interfaceName === name);
  }
}

function exit({ group, interfaceName }: Membership, { holders }: Attachment, holder: Holder): void {
  holder.groups.delete(group);
  if (holder.groups.size === 0) {
    // The kernel leaves what the socket had joined.
    holders.splice(holders.indexOf(holder), 1);
    holder.socket.close();
    return;
  }
  try {
    holder.socket.dropMembership(group, `::%${interfaceName}`);
  } catch {
    // The interface is going; the socket is closed with it.
  }
}

const keyOf = ({ group, interfaceName }: Membership): string => `${group}%${interfaceName}`;
const subjectOf = (interfaceName: string): string => `multicast groups on ${interfaceName}`;

/** Bound, by its first membership, to a port that nobody is told. */
function openSocket(): MembershipSocket {
  return createSocket({ type: 'udp6', reuseAddr: true }).unref();
}
