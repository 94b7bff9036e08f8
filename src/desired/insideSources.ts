/**
 * Who is inside where `externalTrafficPolicy: Local` finds no endpoint on this node: its own pods,
 * for the node itself needs no member. A pod of another node is outside like any other machine.
 * With an interface detector the rule looks at the interface and the set stays empty
 * (filterRules.ts).
 */
import type { NodeResource } from '../model/resources.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { parsePrefix } from '../net/prefix.ts';
import type { SetMember } from './contributor.ts';
import { prefixEntries } from '../dataplane/setEntries.ts';
import { setName } from '../dataplane/setNames.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';

/**
 * @param ownNode the Node object of this node, as far as it is known
 * @returns its pod CIDRs; in a family in which it has none the detector's prefix, if there is one
 */
export function insideMembers(
  options: Pick<DataplaneOptions, 'detectLocal'>,
  families: readonly Family[],
  ownNode: NodeResource | undefined,
): readonly SetMember[] {
  const podPrefixes = (ownNode?.podCIDRs ?? [])
    .map(parsePrefix)
    .filter((prefix) => prefix !== undefined);
  return FAMILIES.filter((family) => families.includes(family)).flatMap((family) => {
    const detector = options.detectLocal[family];
    if (detector.kind === 'interface') return [];
    const own = podPrefixes.filter((prefix) => prefix.family === family);
    const known = own.length > 0 ? own : detector.kind === 'prefix' ? [detector.prefix] : [];
    return known.flatMap((prefix) =>
      prefixEntries(prefix).map((entry) => ({ set: setName('KUBE-IPVS-INSIDE', family), entry })),
    );
  });
}
