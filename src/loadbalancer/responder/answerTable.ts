/**
 * Which addresses are answered on which interface: what frames are judged by. Names of interfaces
 * that are not there (yet) count from the moment they are.
 */
import type { Address } from '../../net/address.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import type { CarrierInterface } from './carrierInterfaces.ts';

const NONE: ReadonlySet<string> = new Set();

export class AnswerTable {
  readonly #interfaces = new Map<Address, ReadonlySet<string>>();
  #carriers = new Map<string, CarrierInterface>();
  #macs: ReadonlySet<MacAddress> = new Set();

  setCarriers(carriers: readonly CarrierInterface[]): void {
    this.#carriers = new Map(carriers.map((each) => [each.name, each]));
    this.#macs = new Set(carriers.map(({ mac }) => mac));
  }

  /** Replaces the interfaces that it had. */
  set(address: Address, interfaces: readonly string[]): void {
    this.#interfaces.set(address, new Set(interfaces));
  }

  delete(address: Address): void {
    this.#interfaces.delete(address);
  }

  /** also those that are not there; empty: not answered anywhere */
  interfacesOf(address: Address): ReadonlySet<string> {
    return this.#interfaces.get(address) ?? NONE;
  }

  has(address: Address): boolean {
    return this.#interfaces.has(address);
  }

  answers(address: Address, interfaceName: string): boolean {
    return this.#interfaces.get(address)?.has(interfaceName) === true;
  }

  /** A frame from there is our own, however it came back. */
  isOwnMac(mac: MacAddress): boolean {
    return this.#macs.has(mac);
  }

  carrier(name: string): CarrierInterface | undefined {
    return this.#carriers.get(name);
  }

  get carriers(): readonly CarrierInterface[] {
    return [...this.#carriers.values()];
  }

  /** Interfaces that are there, and on which the address is answered. */
  carriersOf(address: Address): readonly CarrierInterface[] {
    return [...this.interfacesOf(address)].flatMap((name) => this.#carriers.get(name) ?? []);
  }
}
