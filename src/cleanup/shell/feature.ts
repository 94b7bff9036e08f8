/**
 * `--cleanup-other-modes` of a proxy that runs: what kube-proxy's modes iptables and nftables have
 * left goes once everything is programmed, for until then it is what serves. Once, and again only
 * as long as something of it cannot be removed.
 */
import { OTHER_MODES_LEFT } from './conditions.ts';
import { Findings } from './findings.ts';
import { NFT_KERNEL, type NftKernel, removeIptablesMode, removeNftTables } from './otherModes.ts';
import type { Feature, FeatureHost } from '../../feature/feature.ts';
import { run } from '../../kernel/exec.ts';
import type { Look } from '../../kernel/iptablesSurvey.ts';
import type { RoundOutcome } from '../../plan/round.ts';

const SUBJECT = 'kube-proxy';

/** @param look of this network namespace, as `nft` is; another in tests */
export function otherModesCleanup(look: Look = { run }, nft: NftKernel = NFT_KERNEL): Feature {
  return {
    name: 'other-modes-cleanup',
    start: (host) => {
      let state: 'waiting' | 'working' | 'done' = 'waiting';
      const round = ({ isFull, report }: RoundOutcome) => {
        if (state !== 'waiting' || !isFull || report.failed.length > 0) return;
        state = 'working';
        host.run(async () => {
          state = (await removeLeftOvers(host, look, nft)) ? 'done' : 'waiting';
        });
      };
      return { round, stop: () => undefined };
    },
  };
}

/** @returns whether nothing is left to be tried again */
async function removeLeftOvers(
  { log, conditions }: Pick<FeatureHost, 'log' | 'conditions'>,
  look: Look,
  nft: NftKernel,
): Promise<boolean> {
  const to = new Findings();
  const rules = await removeIptablesMode(look, to);
  const tables = await removeNftTables(nft, false, to);
  const chains = rules.reduce((sum, each) => sum + each.chains.length, 0);
  if (chains + tables.length > 0) {
    const message = "removed what kube-proxy's other modes had left";
    log.info(message, { chains, nftTables: tables.join(', ') });
  }
  for (const { what, reason } of to.kept) log.warning(`${what} stays: ${reason}`);
  if (to.failed.length === 0) {
    conditions.clear(OTHER_MODES_LEFT, SUBJECT);
    return true;
  }
  const message = to.failed.map(({ what, error }) => `${what}: ${error}`).join('; ');
  conditions.set(OTHER_MODES_LEFT, SUBJECT, { message });
  return false;
}
