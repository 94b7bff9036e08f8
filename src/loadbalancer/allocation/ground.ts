/** What all steps of one allocation look at: pools, who may use them, and what is taken. */
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import type { Labels } from '../../model/labelSelector.ts';
import type { Address } from '../../net/address.ts';
import { Admission } from './admission.ts';
import { PoolTable } from './poolTable.ts';
import { type OutsideAddresses, Reservations } from './reservations.ts';
import { Tenants } from './tenants.ts';

export interface AllocationInput extends OutsideAddresses {
  readonly settings: LoadBalancerSettings;
  /** all there are, of any type: their cluster IPs are given to nobody */
  readonly services: Iterable<BalancedService>;
  /** labels by name */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export class Ground {
  readonly settings: LoadBalancerSettings;
  readonly table: PoolTable;
  readonly admission: Admission;
  readonly reservations: Reservations;
  /** of {@link Ground.clear} */
  tenants: Tenants;

  constructor(input: AllocationInput) {
    const { settings } = input;
    this.settings = settings;
    this.table = new PoolTable(settings.pools);
    this.admission = new Admission(this.table, settings.allocation, input.namespaces);
    this.reservations = new Reservations(input);
    this.tenants = new Tenants(settings.allocation.sharing);
  }

  /** Nobody has anything any more. */
  clear(): void {
    this.tenants = new Tenants(this.settings.allocation.sharing);
    this.table.clear();
  }

  /** Not to be given by itself. */
  readonly isTaken = (address: Address): boolean =>
    this.tenants.has(address) || this.reservations.isReserved(address);
}
