/**
 * The addresses a Service is reached at, by family. A family without a cluster IP is not served at
 * all, as in kube-proxy. An address that cannot be served is reported and left out, the others
 * stay.
 */
import { type Address, familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Problem } from './problem.ts';
import type { ServiceResource } from './resources.ts';
import { usableAddress } from './usableAddress.ts';

export interface ServiceAddresses {
  readonly clusterIP: Address;
  readonly externalIPs: readonly Address[];
  /** those of ipMode VIP */
  readonly loadBalancerIPs: readonly Address[];
}

export interface AddressRules {
  /** the gate AllowServiceExternalIPs (KEP-5707) */
  readonly allowsExternalIPs: boolean;
}

const NOT_ALLOWED =
  'is not allowed in this cluster: the feature gate AllowServiceExternalIPs is off';

/**
 * @returns no address twice within a family; an external IP that is also a load balancer address
 * counts as the latter
 */
export function serviceAddresses(
  service: ServiceResource,
  { allowsExternalIPs }: AddressRules = { allowsExternalIPs: true },
): {
  byFamily: ReadonlyMap<Family, ServiceAddresses>;
  problems: readonly Problem[];
} {
  const report = new AddressReport(service);
  const clusterIPs = chooseClusterIPs(service, report);
  const balancers = new Set<Address>();
  for (const [index, { ip, ipMode }] of service.loadBalancerIngress.entries()) {
    if (ip === undefined || ipMode === 'Proxy') continue;
    const address = report.check(`status.loadBalancer.ingress[${index}].ip`, ip, clusterIPs);
    if (address !== undefined) balancers.add(address);
  }
  const externals = new Set<Address>();
  for (const [index, text] of service.externalIPs.entries()) {
    const path = `spec.externalIPs[${index}]`;
    const address = allowsExternalIPs
      ? report.check(path, text, clusterIPs)
      : report.ignore(path, text, NOT_ALLOWED);
    if (address !== undefined && !balancers.has(address)) externals.add(address);
  }
  const byFamily = new Map<Family, ServiceAddresses>();
  for (const [family, clusterIP] of clusterIPs) {
    const ofFamily = (address: Address) => familyOf(address) === family;
    byFamily.set(family, {
      clusterIP,
      externalIPs: [...externals].filter(ofFamily),
      loadBalancerIPs: [...balancers].filter(ofFamily),
    });
  }
  return { byFamily, problems: report.problems };
}

/** The first usable one of each family; the API allows no second. */
function chooseClusterIPs(service: ServiceResource, report: AddressReport): Map<Family, Address> {
  const chosen = new Map<Family, Address>();
  for (const [index, text] of service.clusterIPs.entries()) {
    const path = `spec.clusterIPs[${index}]`;
    const address = report.usable(path, text);
    if (address === undefined) continue;
    const first = chosen.get(familyOf(address));
    if (first === undefined) chosen.set(familyOf(address), address);
    else if (first !== address) report.ignore(path, text, `is a second cluster IP beside ${first}`);
  }
  return chosen;
}

class AddressReport {
  readonly problems: Problem[] = [];
  readonly #label: string;

  constructor(service: ServiceResource) {
    this.#label = `Service/${service.namespace}/${service.name}`;
  }

  ignore(path: string, value: string, reason: string): undefined {
    this.problems.push({
      path: `${this.#label}.${path}`,
      value,
      problem: reason,
      consequence: 'ValueIgnored',
    });
  }

  usable(path: string, text: string): Address | undefined {
    const result = usableAddress(text);
    return 'address' in result ? result.address : this.ignore(path, text, result.reason);
  }

  /** Also asks for a cluster IP of its family, and for another one than that. */
  check(path: string, text: string, clusterIPs: ReadonlyMap<Family, Address>): Address | undefined {
    const address = this.usable(path, text);
    if (address === undefined) return undefined;
    const clusterIP = clusterIPs.get(familyOf(address));
    if (clusterIP === undefined) {
      return this.ignore(path, text, `needs a cluster IP of family ${familyOf(address)} beside it`);
    }
    return clusterIP === address ? this.ignore(path, text, 'is the cluster IP itself') : address;
  }
}
