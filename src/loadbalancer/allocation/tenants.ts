/**
 * Who is on which address, and who else may come to it. What a new one is held against are the
 * kinds of sharers there and a table of ports, not each of them.
 */
import type { Address } from '../../net/address.ts';
import type { Failure } from './cause.ts';
import type { Located } from './poolTable.ts';
import { ShareIndex } from './shareIndex.ts';
import { portRefusal, type Sharer, sharingRefusal, type SharingRule } from './sharing.ts';

interface Tenancy {
  readonly sharers: Set<Sharer>;
  readonly ports: Map<string, Sharer>;
  /** one of each signature */
  readonly kinds: Map<string, Sharer>;
}

export class Tenants {
  /** addresses by share key */
  readonly shared = new ShareIndex();
  readonly #rule: SharingRule;
  /** one that shares with nobody needs no more than itself */
  readonly #tenancies = new Map<Address, Sharer | Tenancy>();

  constructor(rule: SharingRule) {
    this.#rule = rule;
  }

  has(address: Address): boolean {
    return this.#tenancies.has(address);
  }

  /** Why it may not have it beside who is there; undefined: it may. */
  refusal(sharer: Sharer, address: Address): Failure | undefined {
    const tenancy = this.#tenancies.get(address);
    if (tenancy === undefined) return undefined;
    if (isSole(tenancy)) return sharingRefusal(sharer, tenancy, address, this.#rule);
    for (const other of tenancy.kinds.values()) {
      const refused = sharingRefusal(sharer, other, address, this.#rule);
      if (refused !== undefined) return refused;
    }
    for (const port of sharer.ports) {
      const holder = tenancy.ports.get(port);
      if (holder !== undefined) return portRefusal(port, holder, address);
    }
    return undefined;
  }

  /** For one that is not refused. */
  add(sharer: Sharer, located: Located): void {
    const { address, place } = located;
    const known = this.#tenancies.get(address);
    if (known === undefined && place !== undefined) place.used++;
    if (sharer.shareKey === undefined) {
      this.#tenancies.set(address, sharer);
      return;
    }
    const tenancy = known === undefined || isSole(known) ? newTenancy() : known;
    if (tenancy !== known) this.#tenancies.set(address, tenancy);
    if (!tenancy.kinds.has(sharer.signature)) this.shared.add(sharer, located);
    enter(tenancy, sharer);
  }

  remove(sharer: Sharer, located: Located): void {
    const { address, place } = located;
    const tenancy = this.#tenancies.get(address);
    if (tenancy === undefined) return;
    this.#tenancies.delete(address);
    if (place !== undefined) place.used--;
    if (isSole(tenancy)) return;
    this.shared.remove(sharer, located);
    tenancy.sharers.delete(sharer);
    for (const rest of tenancy.sharers) this.add(rest, located);
  }
}

function isSole(tenancy: Sharer | Tenancy): tenancy is Sharer {
  return 'signature' in tenancy;
}

function newTenancy(): Tenancy {
  return { sharers: new Set(), ports: new Map(), kinds: new Map() };
}

function enter({ sharers, ports, kinds }: Tenancy, sharer: Sharer): void {
  sharers.add(sharer);
  if (!kinds.has(sharer.signature)) kinds.set(sharer.signature, sharer);
  for (const port of sharer.ports) ports.set(port, sharer);
}
