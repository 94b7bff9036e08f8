/** A packet socket for each interface that may carry announcements and each family. */
import { FAMILIES, type Family } from '../../net/family.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';
import { PacketPort, type PacketPortOptions } from './packetPort.ts';

interface Pair {
  readonly ifindex: number;
  readonly ports: ReadonlyMap<Family, PacketPort>;
}

export class PacketPorts {
  readonly #options: PacketPortOptions;
  readonly #pairs = new Map<string, Pair>();
  readonly #dropped = new Map<string, number>();

  constructor(options: PacketPortOptions) {
    this.#options = options;
  }

  /** Opens what is missing and closes what is too many. A name with another number is another. */
  setCarriers(carriers: readonly CarrierInterface[]): void {
    const wanted = new Map(carriers.map(({ name, ifindex }) => [name, ifindex]));
    for (const [name, { ifindex }] of this.#pairs) {
      if (wanted.get(name) !== ifindex) this.#close(name);
    }
    for (const carrier of carriers) {
      if (this.#pairs.has(carrier.name)) continue;
      const ports = FAMILIES.map(
        (family) => [family, new PacketPort(carrier, family, this.#options)] as const,
      );
      this.#pairs.set(carrier.name, { ifindex: carrier.ifindex, ports: new Map(ports) });
    }
  }

  send(interfaceName: string, family: Family, frames: readonly Uint8Array[]): void {
    this.#pairs.get(interfaceName)?.ports.get(family)?.send(frames);
  }

  drain(): void {
    for (const port of this.#open) port.drain();
  }

  /** Frames lost, by interface, also of those that have gone. */
  get dropped(): ReadonlyMap<string, number> {
    const all = new Map(this.#dropped);
    for (const [name, pair] of this.#pairs) all.set(name, (all.get(name) ?? 0) + lostBy(pair));
    return all;
  }

  close(): void {
    for (const name of this.#pairs.keys()) this.#close(name);
  }

  #close(name: string): void {
    const pair = this.#pairs.get(name)!;
    this.#pairs.delete(name);
    for (const port of pair.ports.values()) port.close();
    this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + lostBy(pair));
  }

  get #open(): readonly PacketPort[] {
    return [...this.#pairs.values()].flatMap(({ ports }) => [...ports.values()]);
  }
}

function lostBy({ ports }: Pair): number {
  return [...ports.values()].reduce((sum, { dropped }) => sum + dropped, 0);
}
