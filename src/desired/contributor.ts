/**
 * What has a say in the dataplane beside the virtual servers: sets, rules, sysctls, and a judgement
 * on Services. The Service compiler is the first contributor (serviceContributor.ts), features
 * follow. A contributor decides what it wants and when that changes; the builder asks it, keeps the
 * sum, and knows no contributor by name. All of it is pure: same calls, same answers.
 */
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { KubeSetName } from '../dataplane/setNames.ts';
import type { IpSetType } from '../dataplane/state.ts';
import type { Chains, TableName } from '../dataplane/tables.ts';
import type { HostNetwork } from '../model/host.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { ObjectKey, ServiceResource } from '../model/resources.ts';
import type { Endpoint, ServicePort } from '../model/servicePort.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { FrontendKind } from './frontendKinds.ts';
import type { RuleSlot } from './ruleSlots.ts';

export interface ContributedSet {
  /** of IPv4; every family has one */
  readonly name: KubeSetName;
  readonly type: IpSetType;
}

/** A member of one of the contributor's own sets. */
export interface SetMember {
  /** the set's name in the kernel */
  readonly set: string;
  readonly entry: string;
}

/**
 * All that bears a contributor's name in a kernel, whether it is in use or not: what is to be read,
 * and what goes when the contributor is off.
 */
export interface Footprint {
  readonly name: string;
  /** in the order in which they are created; they exist as long as the contributor is on */
  readonly sets: readonly ContributedSet[];
  /** every chain that it may ever have; no built-in ones */
  readonly chains: Readonly<Partial<Record<TableName, readonly string[]>>>;
}

export interface ContributedRules {
  /**
   * chains of the contributor's own; a table in which nobody has a chain or a jump is neither read
   * nor written
   */
  readonly chains: Readonly<Partial<Record<TableName, Chains>>>;
  /** from built-in chains into the contributor's own, those of one slot in order */
  readonly jumps: readonly Jump[];
}

/** Of a single table. */
export interface TableRules {
  readonly chains: Chains;
  readonly jumps: readonly Jump[];
}

export interface Jump {
  readonly slot: RuleSlot;
  readonly comment: string;
  /** a chain of the contributor's own in the slot's table */
  readonly to: string;
}

/** What a contributor wants otherwise than when it was last asked. */
export interface Renewal {
  /** that it judges otherwise now */
  readonly services?: Iterable<ObjectKey>;
  /** new members come before old ones leave; a member that several contribute goes with the last */
  readonly came?: readonly SetMember[];
  readonly went?: readonly SetMember[];
  /** its rules or sysctls */
  readonly hasNewRules?: boolean;
}

/** What a contributor says of one Service. */
export interface Judgement {
  /**
   * why the Service is treated as if it did not have this endpoint, completing "left out: it …";
   * undefined lets it be used
   */
  endpoint?(endpoint: Endpoint, port: ServicePort): string | undefined;
  /** undefined lets it be served */
  frontend?(frontend: JudgedFrontend): FrontendVerdict | undefined;
}

export interface JudgedFrontend {
  readonly kind: FrontendKind;
  readonly address: Address;
  readonly port: number;
  readonly protocol: ServicePort['protocol'];
}

export type FrontendVerdict =
  /** neither bound nor served; `problem` is a sentence about the address without its subject */
  | { readonly effect: 'withheld'; readonly problem: string }
  /**
   * bound and in its sets, but without virtual server, and refused to nobody: a program on this
   * node answers there
   */
  | { readonly effect: 'answered' };

export interface Contributor extends Footprint {
  /**
   * of a family that the host has; asked at the start, with every other host, and after
   * `hasNewRules`
   */
  rules?(
    family: Family,
    options: DataplaneOptions,
    host: Pick<HostNetwork, 'hasRandomFully'>,
  ): ContributedRules;
  /**
   * path below /proc/sys → value; where several want one, the first contributor counts. Asked when
   * rules are.
   */
  sysctls?(
    options: DataplaneOptions,
    host: Pick<HostNetwork, 'kernelVersion'>,
  ): ReadonlyMap<string, string>;
  /** at the start and with every other host, before anything else */
  setHost?(host: HostNetwork): void;
  /** every change of the cluster, before the Services that it concerns are compiled */
  change?(change: ClusterChange): void;
  /** before each round; costs what changed */
  settle?(): Renewal;
  /** when the Service is compiled; undefined: it has nothing to say of it */
  judge?(service: ServiceResource): Judgement | undefined;
}
