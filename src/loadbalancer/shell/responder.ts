/**
 * What answers and announces on the wire for this node: who asks for an address that is answered
 * here gets the interface's MAC, in the same turn of the event loop; take-overs, refreshes, probes
 * and defences are sent as they are due. Which addresses those are, who else may have them and what
 * a claim of somebody else means is decided by whoever holds this.
 */
import { type Address, familyOf } from '../../net/address.ts';
import type { Clock } from '../../time/clock.ts';
import { solicitedNodeGroup } from '../../wire/multicast.ts';
import { AnswerTable } from '../responder/answerTable.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';
import { ForeignClaims } from '../responder/foreignClaims.ts';
import { Pacer } from '../responder/pacing.ts';
import { type ProbeAnswer, type ProbeRounds, Probes } from '../responder/probes.ts';
import type { Rival } from '../announcer/ports.ts';
import { Announcements } from './announcements.ts';
import { InterfaceWatch } from './interfaceWatch.ts';
import { Memberships } from './memberships.ts';
import { PacketPorts } from './packetPorts.ts';
import { Questions } from './questions.ts';
import type { ResponderCounters, ResponderListener, ResponderOptions } from './responderParts.ts';

export class Responder {
  readonly #clock: Clock;
  readonly #listener: ResponderListener;
  readonly #table = new AnswerTable();
  readonly #foreign = new ForeignClaims();
  readonly #pacer: Pacer;
  readonly #probes: Probes;
  readonly #announcements: Announcements;
  readonly #ports: PacketPorts;
  readonly #memberships: Memberships;
  /** announced since they are answered */
  readonly #announced = new Set<Address>();
  readonly #questions: Questions;
  #watch: InterfaceWatch | undefined;

  private constructor({ settings, clock, random, listener }: ResponderOptions) {
    this.#clock = clock;
    this.#listener = listener;
    this.#pacer = new Pacer({ refreshIntervalMs: settings.refreshIntervalMs, random });
    this.#probes = new Probes(clock, (address, interfaceName) => {
      this.#pacer.once('probe', address, interfaceName);
      this.#announcements.wake();
    });
    const questions = new Questions({
      clock,
      table: this.#table,
      foreign: this.#foreign,
      probes: this.#probes,
      listener,
    });
    this.#questions = questions;
    const onFailure = (subject: string, error: unknown) => listener.onFailure(subject, error);
    this.#ports = new PacketPorts({
      clock,
      onFailure,
      onFrames: (name, family, frames) => questions.heard(name, family, frames),
      onAnswered: (count, tookMs) => questions.durations.add(tookMs / 1_000, count),
    });
    this.#memberships = new Memberships({ clock, onFailure });
    this.#announcements = new Announcements({
      clock,
      pacer: this.#pacer,
      table: this.#table,
      send: (name, family, frames) => this.#ports.send(name, family, frames),
      onSent: ({ kind, address, interfaceName }) => {
        if (kind === 'probe') this.#probes.sent(address, interfaceName);
      },
    });
  }

  /** In the network namespace of this thread. @throws KernelError */
  static async open(options: ResponderOptions): Promise<Responder> {
    const responder = new Responder(options);
    const { settings, clock, internalAddresses, listener } = options;
    try {
      responder.#watch = await InterfaceWatch.open({
        interfaces: settings.interfaces,
        excludeInterfaces: settings.excludeInterfaces,
        internalAddresses,
        clock,
        onInterfaces: (carriers) => responder.#setCarriers(carriers),
        onFailure: (error) => listener.onFailure('interfaces of this node', error),
      });
    } catch (error) {
      await responder.close();
      throw error;
    }
    return responder;
  }

  /** Addresses that this cluster announces, by whomever: other MACs for them are told. */
  setKnown(addresses: ReadonlySet<Address>): void {
    this.#foreign.setKnown(addresses);
  }

  /**
   * From now on, on these interfaces and no others; those that are not there count when they are.
   * Nothing is announced, but refreshed from time to time. Idempotent.
   */
  answer(address: Address, interfaces: readonly string[]): void {
    const before = this.#table.interfacesOf(address);
    this.#table.set(address, interfaces);
    this.#pacer.hold(address, interfaces, this.#clock.monotonicMs());
    this.#announcements.wake();
    if (familyOf(address) === 'IPv4') return;
    const group = solicitedNodeGroup(address);
    const now = this.#table.interfacesOf(address);
    for (const name of now) if (!before.has(name)) this.#memberships.join(group, name);
    for (const name of before) if (!now.has(name)) this.#memberships.leave(group, name);
  }

  /** Neither answered nor announced any more. Idempotent. */
  silence(address: Address): void {
    const before = this.#table.interfacesOf(address);
    this.#table.delete(address);
    this.#pacer.drop(address);
    this.#announced.delete(address);
    if (familyOf(address) === 'IPv4') return;
    const group = solicitedNodeGroup(address);
    for (const name of before) this.#memberships.leave(group, name);
  }

  /**
   * All rounds of a take-over, of an address that is answered; anew also on interfaces that come
   * (back) later.
   */
  announce(address: Address): void {
    if (!this.#table.has(address)) return;
    this.#announced.add(address);
    this.#announceOn(address, [...this.#table.interfacesOf(address)]);
  }

  /**
   * Once, of an address that is answered. Against strangers more than once in ten seconds is passed
   * over: they may do the same for ever. Of two nodes one gives way as soon as it sees the other.
   */
  defend(address: Address, against: Rival): void {
    const carriers = this.#table.carriersOf(address);
    if (carriers.length === 0) return;
    if (against === 'stranger' && !this.#foreign.defends(address, this.#clock.monotonicMs()))
      return;
    for (const { name } of carriers) this.#pacer.once('defence', address, name);
    this.#announcements.wake();
  }

  /**
   * Asks whether anybody else has the address.
   *
   * @returns the first that answers; undefined: nobody, or none of the interfaces is there
   */
  probe(
    address: Address,
    interfaces: readonly string[],
    rounds: ProbeRounds,
  ): Promise<ProbeAnswer | undefined> {
    const there = interfaces.filter((name) => this.#table.carrier(name) !== undefined);
    return this.#probes.start(address, there, rounds);
  }

  /** Requests that came while this process stood still are thrown away: nobody waits for them. */
  drain(): void {
    this.#ports.drain();
  }

  counters(): ResponderCounters {
    return {
      announcements: this.#announcements.sent,
      requests: this.#questions.counts,
      packetDrops: this.#ports.dropped,
      answerSeconds: this.#questions.durations.told,
    };
  }

  /** Nothing is sent or told any more; probes that wait get no answer. */
  async close(): Promise<void> {
    this.#announcements.close();
    this.#probes.close();
    this.#memberships.close();
    this.#ports.close();
    await this.#watch?.close();
  }

  #announceOn(address: Address, interfaces: readonly string[]): void {
    this.#pacer.announce(address, interfaces, this.#clock.monotonicMs());
    this.#announcements.wake();
  }

  #setCarriers(carriers: readonly CarrierInterface[]): void {
    const before = new Map(this.#table.carriers.map((each) => [each.name, each]));
    this.#table.setCarriers(carriers);
    for (const [name, { ifindex }] of before) {
      if (this.#table.carrier(name)?.ifindex === ifindex) continue;
      this.#pacer.forget(name);
      this.#probes.interfaceGone(name);
    }
    this.#ports.setCarriers(carriers);
    this.#memberships.setCarriers(carriers);
    const fresh = carriers.filter((each) => speaksAnew(each, before.get(each.name)));
    for (const address of this.#announced) {
      const names = fresh.map(({ name }) => name);
      const answered = names.filter((name) => this.#table.answers(address, name));
      if (answered.length > 0) this.#announceOn(address, answered);
    }
    this.#listener.onInterfaces(carriers);
  }
}

/** It came, or what announcements say of it has changed. */
function speaksAnew(now: CarrierInterface, before: CarrierInterface | undefined): boolean {
  if (before === undefined) return true;
  const { ifindex, mac, neighborSource } = now;
  return (
    ifindex !== before.ifindex || mac !== before.mac || neighborSource !== before.neighborSource
  );
}
