/**
 * A contributor that has one thing of everything: a set, a chain and a jump in each table, a
 * sysctl, and its say on Services.
 */
import { setName } from '../../../src/dataplane/setNames.ts';
import { type Chains, TABLES } from '../../../src/dataplane/tables.ts';
import type {
  Contributor,
  Footprint,
  Judgement,
  Renewal,
  SetMember,
} from '../../../src/desired/contributor.ts';
import type { RuleSlot } from '../../../src/desired/ruleSlots.ts';
import { ruleWriter } from '../../../src/desired/ruleText.ts';
import type { ClusterChange } from '../../../src/model/clusterStore.ts';
import { FAMILIES, type Family } from '../../../src/net/family.ts';

export const TEST_CHAIN = 'KUBE-IPVS-TEST';
export const TEST_SET = 'KUBE-IPVS-TEST';

export const TEST_ENTRY: Readonly<Record<Family, string>> = {
  IPv4: '10.96.0.10,tcp:80',
  IPv6: 'fd00::10,tcp:80',
};

const SLOTS = [
  'raw PREROUTING',
  'mangle OUTPUT',
  'nat OUTPUT',
  'filter INPUT first',
  'filter FORWARD first',
] as const satisfies readonly RuleSlot[];

export const TEST_FOOTPRINT: Footprint = {
  name: 'test',
  sets: [{ name: TEST_SET, type: 'hash:ip,port' }],
  chains: Object.fromEntries(TABLES.map((table) => [table, [TEST_CHAIN]])),
};

export class TestContributor implements Contributor {
  readonly name = TEST_FOOTPRINT.name;
  readonly sets = TEST_FOOTPRINT.sets;
  readonly chains = TEST_FOOTPRINT.chains;
  readonly changes: ClusterChange[] = [];
  judgement: Judgement | undefined;
  target = 'RETURN';
  #renewal: Renewal;

  /** @param families that the host has: the set of each has a member */
  constructor(families: readonly Family[] = FAMILIES) {
    this.#renewal = { came: families.map((family) => member(family, TEST_ENTRY[family])) };
  }

  rules(family: Family) {
    const { rule, set } = ruleWriter(TEST_CHAIN, family);
    const chains: Chains = new Map([[TEST_CHAIN, [rule(set(TEST_SET, 'dst,dst'), this.target)]]]);
    return {
      chains: Object.fromEntries(TABLES.map((table) => [table, chains])),
      jumps: SLOTS.map((slot) => ({ slot, comment: 'a test', to: TEST_CHAIN })),
    };
  }

  sysctls() {
    return new Map([['net/ipv4/conf/all/arp_ignore', '1']]);
  }

  change(change: ClusterChange): void {
    this.changes.push(change);
  }

  renew(renewal: Renewal): void {
    this.#renewal = renewal;
  }

  settle(): Renewal {
    const renewal = this.#renewal;
    this.#renewal = {};
    return renewal;
  }

  judge(): Judgement | undefined {
    return this.judgement;
  }
}

export function member(family: Family, entry: string): SetMember {
  return { set: setName(TEST_SET, family), entry };
}
