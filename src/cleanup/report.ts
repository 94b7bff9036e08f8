/**
 * What a cleanup did, or would do: removed, put back, kept and why, failed. Nothing here decides;
 * text and JSON are made of it.
 */
import type { TableName } from '../dataplane/tables.ts';
import type { Family } from '../net/family.ts';

export interface RemovedRules {
  readonly family: Family;
  /** `legacy`, `nft`, or `plain` where the programs have no variant in their name */
  readonly variant: string;
  readonly table: TableName;
  readonly chains: readonly string[];
  /** as iptables-save prints them */
  readonly jumps: readonly string[];
}

export interface RestoredSysctl {
  /** path below /proc/sys */
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface CleanupReport {
  readonly isDryRun: boolean;
  readonly removed: {
    /** `10.96.0.1:443/TCP` */
    readonly virtualServers: readonly string[];
    /** of the dummy device, and its name when it goes */
    readonly addresses: readonly string[];
    readonly devices: readonly string[];
    readonly rules: readonly RemovedRules[];
    readonly sets: readonly string[];
    /** `ip kube-proxy` */
    readonly nftTables: readonly string[];
  };
  readonly restored: readonly RestoredSysctl[];
  readonly kept: readonly { readonly what: string; readonly reason: string }[];
  readonly failed: readonly { readonly what: string; readonly error: string }[];
}

export function reportText(report: CleanupReport): string {
  const { removed, restored, kept, failed } = report;
  const lines = [
    ...removed.virtualServers.map((server) => `- virtual server ${server}`),
    ...removed.addresses.map((address) => `- address ${address}`),
    ...removed.devices.map((name) => `- device ${name}`),
    ...removed.rules.flatMap(ruleLines),
    ...removed.sets.map((name) => `- ipset ${name}`),
    ...removed.nftTables.map((name) => `- nftables table ${name}`),
    ...restored.map(({ name, from, to }) => `~ sysctl ${name} ${from} -> ${to}`),
    ...kept.map(({ what, reason }) => `= ${what} stays: ${reason}`),
    ...failed.map(({ what, error }) => `! ${what}: ${error}`),
  ];
  return [...lines, summary(report), ''].join('\n');
}

function ruleLines({ family, variant, table, chains, jumps }: RemovedRules): string[] {
  const where = `${family} ${table}${variant === 'plain' ? '' : ` (${variant})`}`;
  return [
    ...chains.map((chain) => `- chain ${where} ${chain}`),
    ...jumps.map((jump) => `- rule ${where} ${jump}`),
  ];
}

function summary({ isDryRun, removed, restored, kept, failed }: CleanupReport): string {
  const sum = (count: (rules: RemovedRules) => number) =>
    removed.rules.reduce((total, each) => total + count(each), 0);
  const counts = [
    ['virtual servers', removed.virtualServers.length],
    ['addresses', removed.addresses.length],
    ['devices', removed.devices.length],
    ['chains', sum(({ chains }) => chains.length)],
    ['rules', sum(({ jumps }) => jumps.length)],
    ['ipsets', removed.sets.length],
    ['nftables tables', removed.nftTables.length],
    ['sysctls put back', restored.length],
  ] as const;
  const some = counts.filter(([, count]) => count > 0).map(([what, n]) => `${what} (${n})`);
  const verb = isDryRun ? 'would remove' : 'removed';
  const ends = [
    some.length === 0 ? 'nothing to remove' : `${verb}: ${some.join(', ')}`,
    ...(kept.length === 0 ? [] : [`kept: ${kept.length}`]),
    ...(failed.length === 0 ? [] : [`failed: ${failed.length}`]),
  ];
  return ends.join('; ');
}
