/**
 * Takes everything of ours, and of a kube-proxy in mode ipvs, out of the kernel: first what
 * attracts traffic, then what treats it, at last what was set. Each part is by itself: what cannot
 * be read or removed is told and keeps nothing else. Repeated, it finds nothing.
 */
import { rm } from 'node:fs/promises';
import { either, IPTABLES_MODE_RULES, type OwnNames, ownRules } from '../names.ts';
import type { CleanupReport } from '../report.ts';
import { DUMMY_DEVICE, serverKey } from '../../dataplane/state.ts';
import type { Prefix } from '../../net/prefix.ts';
import { type CleanupParts, readState } from './findState.ts';
import { Findings } from './findings.ts';
import { removeNftTables } from './otherModes.ts';
import { findRules, removeRules } from './rules.ts';
import { removeSets } from './sets.ts';
import { restoreSysctls } from './sysctls.ts';

export interface CleanupWish {
  /** say only what would go */
  readonly isDryRun: boolean;
  /** also what kube-proxy's modes iptables and nftables have left */
  readonly hasOtherModes: boolean;
  /** virtual servers on these addresses stay */
  readonly excludeCidrs: readonly Prefix[];
  readonly names: OwnNames;
}

export async function cleanUp(wish: CleanupWish, parts: CleanupParts): Promise<CleanupReport> {
  const { isDryRun, hasOtherModes, names } = wish;
  const { look, jumps } = parts;
  const to = new Findings();
  const found = await readState(wish, parts, to);
  const addresses = [...found.dummy.addresses];
  const devices = found.dummy.hasDummyDevice && (await removeDevice(wish, parts, to));
  const virtualServers = await removeServers(found.servers, wish, parts, to);
  const own = ownRules(names);
  const meant = hasOtherModes ? either(own, IPTABLES_MODE_RULES) : own;
  const rules = await findRules({ look, meant, names, jumps }, to);
  const removedRules = await removeRules(rules, isDryRun ? undefined : look.run, to);
  const sets = await removeSets([...found.sets.values()], isDryRun, parts, to);
  const nftTables = hasOtherModes ? await removeNftTables(parts.nft, isDryRun, to) : [];
  const restored = await restoreSysctls(parts, isDryRun, to);
  // As long as a server of ours is there it tells whose it is.
  if (!isDryRun && to.failed.length === 0) {
    await to.attempt('ledger', () => rm(parts.ledgerFile, { force: true }), undefined);
  }
  return {
    isDryRun,
    removed: {
      virtualServers,
      addresses: devices ? addresses : [],
      devices: devices ? [DUMMY_DEVICE] : [],
      rules: removedRules,
      sets,
      nftTables,
    },
    restored,
    kept: to.kept,
    failed: to.failed,
  };
}

/** With everything bound to it. */
async function removeDevice(
  { isDryRun }: CleanupWish,
  { links }: CleanupParts,
  to: Findings,
): Promise<boolean> {
  if (isDryRun) return true;
  const work = async () => {
    await links.deleteDevice();
    return true;
  };
  return to.attempt(`device ${DUMMY_DEVICE}`, work, false);
}

async function removeServers(
  found: Awaited<ReturnType<typeof readState>>['servers'],
  { isDryRun }: CleanupWish,
  { ipvs }: CleanupParts,
  to: Findings,
): Promise<readonly string[]> {
  const keys = found.map(({ server }) => serverKey(server));
  if (isDryRun || found.length === 0) return keys;
  const report = await to.attempt('virtual servers', () => ipvs.apply(found), undefined);
  return keys.filter((key, i) => {
    if (report === undefined) return false;
    const error = report.outcomes[i];
    if (error !== undefined) to.fail(`virtual server ${key}`, error);
    return error === undefined;
  });
}
