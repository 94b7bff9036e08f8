/**
 * Where contributors' rules stand. A slot is a place in a built-in chain; contributors put jumps
 * into it, in their order, and keep their rules in chains of their own. What is not a slot here is
 * nobody's to change.
 */
import type { TableName } from '../dataplane/tables.ts';

interface Place {
  readonly table: TableName;
  /** built-in */
  readonly chain: string;
}

/**
 * In the order in which the chains are listed, and slots of one chain in the order in which they
 * stand in it. A packet to a Service passes raw, mangle, nat PREROUTING and filter INPUT with the
 * Service's address; what a process of this node sends is rewritten by IPVS before filter OUTPUT,
 * and has the Service's address in raw, mangle and nat OUTPUT.
 */
export const RULE_SLOTS = {
  /** before connection tracking: what is not to be tracked (cluster DNS) */
  'raw PREROUTING': { table: 'raw', chain: 'PREROUTING' },
  'raw OUTPUT': { table: 'raw', chain: 'OUTPUT' },
  'mangle PREROUTING': { table: 'mangle', chain: 'PREROUTING' },
  /**
   * who on this node may reach which Service (tenancy): the last place where the Service's address
   * is seen
   */
  'mangle OUTPUT': { table: 'mangle', chain: 'OUTPUT' },
  /** the first packet of a connection: marking, and what is let past the rules of others */
  'nat PREROUTING': { table: 'nat', chain: 'PREROUTING' },
  'nat OUTPUT': { table: 'nat', chain: 'OUTPUT' },
  'nat POSTROUTING': { table: 'nat', chain: 'POSTROUTING' },
  /** before anything of ours may accept or refuse: who may reach the address at all (tenancy) */
  'filter INPUT first': { table: 'filter', chain: 'INPUT' },
  /** access filter, firewall, health checks */
  'filter INPUT': { table: 'filter', chain: 'INPUT' },
  /** the same for addresses that are another machine's */
  'filter FORWARD first': { table: 'filter', chain: 'FORWARD' },
  'filter FORWARD': { table: 'filter', chain: 'FORWARD' },
  'filter OUTPUT': { table: 'filter', chain: 'OUTPUT' },
} as const satisfies Readonly<Record<string, Place>>;

export type RuleSlot = keyof typeof RULE_SLOTS;
