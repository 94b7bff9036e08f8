/**
 * Solicited-node groups that this node is a member of, so that switches that listen to MLD reports
 * let questions through. The kernel reports what a UDP socket joins; nothing is received by it. One
 * socket holds only some hundred groups (`net.core.optmem_max`), so there are several, and none is
 * of two interfaces: leaving by the name of an interface that went would leave the group elsewhere.
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
  readonly clock: Clock;
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

const RETRY_MS = 5000;

export class Memberships {
  readonly #options: MembershipOptions;
  /** by the interface's name: how many addresses need the group */
  readonly #wanted = new Map<string, Map<Address, number>>();
  readonly #attached = new Map<string, Attachment>();
  /** groups that could not be joined, by the interface's name */
  readonly #failing = new Map<string, Set<Address>>();
  #cancelRetry: (() => void) | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Once more for each time; an interface that is not there yet is joined on when it is. */
  join(group: Address, interfaceName: string): void {
    const groups = this.#wanted.get(interfaceName) ?? new Map<Address, number>();
    this.#wanted.set(interfaceName, groups);
    const count = groups.get(group) ?? 0;
    groups.set(group, count + 1);
    if (count === 0) this.#enter(group, interfaceName);
  }

  leave(group: Address, interfaceName: string): void {
    const groups = this.#wanted.get(interfaceName);
    const count = groups?.get(group);
    if (groups === undefined || count === undefined) return;
    if (count > 1) {
      groups.set(group, count - 1);
      return;
    }
    groups.delete(group);
    this.#noteSuccess(group, interfaceName);
    this.#exit(group, interfaceName);
  }

  /** Only those with IPv6 can be joined on. */
  setCarriers(carriers: readonly CarrierInterface[]): void {
    const usable = carriers.filter(({ neighborSource }) => neighborSource !== undefined);
    const indexes = new Map(usable.map(({ name, ifindex }) => [name, ifindex]));
    for (const [name, { ifindex }] of this.#attached) {
      if (indexes.get(name) !== ifindex) this.#detach(name);
    }
    for (const [name, ifindex] of indexes) {
      if (!this.#attached.has(name)) this.#attached.set(name, { ifindex, holders: [] });
    }
    this.#enterMissing();
  }

  close(): void {
    this.#cancelRetry?.();
    for (const name of this.#attached.keys()) this.#detach(name);
  }

  #enterMissing(): void {
    for (const [name, groups] of this.#wanted) {
      for (const group of groups.keys()) this.#enter(group, name);
    }
  }

  #enter(group: Address, name: string): void {
    const attachment = this.#attached.get(name);
    if (attachment === undefined) return;
    const { holders } = attachment;
    if (holders.some(({ groups }) => groups.has(group))) return;
    try {
      this.#add(group, name, holders);
    } catch (error) {
      this.#noteFailure(group, name, error);
      this.#cancelRetry ??= this.#options.clock.after(RETRY_MS, () => {
        this.#cancelRetry = undefined;
        this.#enterMissing();
      });
      return;
    }
    this.#noteSuccess(group, name);
  }

  #add(group: Address, name: string, holders: Holder[]): void {
    const last = holders.at(-1);
    if (last !== undefined) {
      try {
        last.socket.addMembership(group, `::%${name}`);
        last.groups.add(group);
        return;
      } catch (error) {
        if (last.groups.size === 0 || !hasCode(error, 'ENOMEM', 'ENOBUFS')) throw error;
      }
    }
    const socket = (this.#options.openMembershipSocket ?? openSocket)();
    try {
      socket.addMembership(group, `::%${name}`);
    } catch (error) {
      socket.close();
      throw error;
    }
    holders.push({ socket, groups: new Set([group]) });
  }

  #exit(group: Address, name: string): void {
    const holders = this.#attached.get(name)?.holders ?? [];
    const at = holders.findIndex(({ groups }) => groups.has(group));
    const holder = holders[at];
    if (holder === undefined) return;
    holder.groups.delete(group);
    if (holder.groups.size === 0) {
      // The kernel leaves what the socket had joined.
      holders.splice(at, 1);
      holder.socket.close();
      return;
    }
    try {
      holder.socket.dropMembership(group, `::%${name}`);
    } catch {
      // The interface is going; the socket is closed with it.
    }
  }

  #detach(name: string): void {
    for (const { socket } of this.#attached.get(name)!.holders) socket.close();
    this.#attached.delete(name);
    for (const group of this.#failing.get(name) ?? []) this.#noteSuccess(group, name);
  }

  /** Told once, however many groups fail. */
  #noteFailure(group: Address, name: string, error: unknown): void {
    const failing = this.#failing.get(name);
    this.#failing.set(name, (failing ?? new Set()).add(group));
    if (failing === undefined) this.#options.onFailure(subjectOf(name), error);
  }

  /** Nothing is wrong with it any more: it was joined, or is not wanted. */
  #noteSuccess(group: Address, name: string): void {
    const failing = this.#failing.get(name);
    if (failing?.delete(group) !== true || failing.size > 0) return;
    this.#failing.delete(name);
    this.#options.onFailure(subjectOf(name), undefined);
  }
}

const subjectOf = (interfaceName: string): string => `multicast groups on ${interfaceName}`;

/** Bound, by its first membership, to a port that nobody is told. */
function openSocket(): MembershipSocket {
  return createSocket({ type: 'udp6', reuseAddr: true }).unref();
}
