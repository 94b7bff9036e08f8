/**
 * Who announces an address. Every node computes it for itself from the same objects and the same
 * heartbeats, so no vote is needed; the order of equals is MetalLB's (internal/k8s speaker, layer
 * 2), so that a change from there moves no address.
 */
import type { Address } from '../net/address.ts';
import { type AnnouncedAddress, entriesFor } from './announcement.ts';
import { byMerit, type Electorate, type ExclusionReason, judge, type Judged } from './judgement.ts';

/** Nobody may; or the pool's entries announce it nowhere; or there is nobody to forward to. */
export type NobodyCause = 'NoCandidates' | 'NotAnnounced' | 'NoEndpoints';

/** Who it is, and why nobody. */
export interface Outcome {
  readonly address: Address;
  /** undefined with a cause */
  readonly node: string | undefined;
  /** of the node, that answer; empty when nothing is known of them */
  readonly interfaces: readonly string[];
  readonly cause: NobodyCause | undefined;
}

export interface Election extends Outcome {
  /** in the order of the election, whoever owns it */
  readonly candidates: readonly string[];
  /** by name */
  readonly excluded: readonly { readonly node: string; readonly reason: ExclusionReason }[];
}

/** @param owners who announce it now, as far as known: at most one but for a moment */
export function elect(
  announced: AnnouncedAddress,
  owners: ReadonlySet<string>,
  electorate: Electorate,
): Election {
  const judged = judgedIn(announced, electorate);
  if (!Array.isArray(judged)) return { ...judged, candidates: [], excluded: [] };
  const excluded = judged
    .flatMap(({ node, reason }) => (reason === undefined ? [] : [{ node: node.name, reason }]))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const candidates = judged.filter(isCandidate).sort(ranking(announced.address, electorate));
  const outcome = outcomeOf(announced.address, candidates, owners, electorate);
  return { ...outcome, candidates: candidates.map(({ node }) => node.name), excluded };
}

/** As {@link elect}, without the rest: mostly no hash is needed, and there are many addresses. */
export function electWinner(
  announced: AnnouncedAddress,
  owners: ReadonlySet<string>,
  electorate: Electorate,
): Outcome {
  const judged = judgedIn(announced, electorate);
  if (!Array.isArray(judged)) return judged;
  return outcomeOf(announced.address, judged.filter(isCandidate), owners, electorate);
}

function judgedIn(announced: AnnouncedAddress, electorate: Electorate): Judged[] | Outcome {
  const entries = entriesFor(announced);
  const nobody = { address: announced.address, node: undefined, interfaces: [] };
  if (entries.length === 0) return { ...nobody, cause: 'NotAnnounced' };
  if (!announced.services.some(({ endpoints }) => endpoints.isAny))
    return { ...nobody, cause: 'NoEndpoints' };
  return judge(announced, entries, electorate);
}

const isCandidate = ({ reason }: Judged): boolean => reason === undefined;

function outcomeOf(
  address: Address,
  candidates: readonly Judged[],
  owners: ReadonlySet<string>,
  electorate: Electorate,
): Outcome {
  const winner = chooseWinner(address, candidates, owners, electorate);
  return {
    address,
    node: winner?.node.name,
    interfaces: winner?.interfaces ?? [],
    cause: winner === undefined ? 'NoCandidates' : undefined,
  };
}

/**
 * The owner stays: every move costs connections. It gives way to a better one that has been up for
 * a while, which is not the case of one that goes up and down.
 */
function chooseWinner(
  address: Address,
  candidates: readonly Judged[],
  owners: ReadonlySet<string>,
  electorate: Electorate,
): Judged | undefined {
  const { holdDownMs } = electorate.settings;
  const present = best(
    address,
    candidates.filter(({ node }) => owners.has(node.name)),
    electorate,
  );
  if (present === undefined) return best(address, candidates, electorate);
  const better = candidates.filter(
    (each) => byMerit(each, present) < 0 && each.node.aliveForMs >= holdDownMs,
  );
  return best(address, better, electorate) ?? present;
}

/** The hash decides between those of the highest merit alone. */
function best(
  address: Address,
  among: readonly Judged[],
  electorate: Electorate,
): Judged | undefined {
  const [first] = among;
  if (first === undefined || among.length === 1) return first;
  const merit = among.reduce((a, b) => (byMerit(b, a) < 0 ? b : a));
  const equals = among.filter((each) => byMerit(each, merit) === 0);
  return equals.length === 1 ? merit : equals.sort(ranking(address, electorate))[0];
}

/** Each hash is made once, however often it is compared. */
function ranking(address: Address, { sha256 }: Electorate): (a: Judged, b: Judged) => number {
  const hashes = new Map<Judged, string>();
  const hashOf = (each: Judged): string => {
    const known = hashes.get(each) ?? sha256(`${each.node.name}#${address}`);
    hashes.set(each, known);
    return known;
  };
  return (a, b) => byMerit(a, b) || (hashOf(a) < hashOf(b) ? -1 : 1);
}
