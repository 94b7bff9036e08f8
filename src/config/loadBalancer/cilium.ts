/**
 * Cilium's objects that pools are made of: CiliumLoadBalancerIPPool, and
 * CiliumL2AnnouncementPolicy, which says who announces which Services. Fields and defaults are
 * those of Cilium's pkg/k8s/apis/cilium.io (v2, v2alpha1); what they mean is in its
 * operator/pkg/lbipam and pkg/l2announcer.
 */
import * as v from 'valibot';
import type { LabelSelector, LabelRequirement } from '../../model/labelSelector.ts';
import type { Problem } from '../../model/problem.ts';
import { type AddressRange, parseRange, rangeSize } from '../../net/addressRange.ts';
import { parsePrefix } from '../../net/prefix.ts';
import { flag } from '../fieldTypes.ts';
import { type Placed, problemAt } from '../placed.ts';
import type { DraftPool } from './draftPool.ts';
import { labelSelector, list, mustBeObject, rangeProblem } from './fields.ts';
import {
  type Translation,
  announcementOf,
  byName,
  metadata,
  optionalText,
  orNone,
  poolMetadata,
  restricting,
} from './foreignObjects.ts';
import { globsOfExpression } from './interfaceGlobs.ts';
import type { Announcement } from './settings.ts';

interface Block {
  readonly range: AddressRange;
  readonly isPrefix: boolean;
}

const block = v.pipe(
  v.looseObject(
    { cidr: optionalText(), start: optionalText(), stop: optionalText() },
    'must be an object with cidr, or start and stop',
  ),
  v.rawTransform<{ cidr: string; start: string; stop: string }, Block>(
    ({ dataset: { value }, addIssue, NEVER }) => {
      const { cidr, start, stop } = value;
      const text = cidr === '' ? `${start}${stop === '' ? '' : `-${stop}`}` : cidr;
      const isPrefix = cidr !== '';
      const range = isPrefix === (parsePrefix(text) !== undefined) ? parseRange(text) : undefined;
      if (range !== undefined && (isPrefix || start !== '')) return { range, isPrefix };
      addIssue({ message: blockProblem(value), input: value });
      return NEVER;
    },
  ),
);

function blockProblem({ cidr, start, stop }: Readonly<Record<'cidr' | 'start' | 'stop', string>>) {
  if (cidr !== '') return 'has a cidr that is none, such as 192.0.2.0/24';
  if (start === '') return 'must have a cidr, or start and stop';
  return `from start to stop ${rangeProblem(stop === '' ? start : `${start}-${stop}`)}`;
}

const optionalSelector = () => v.nullish(labelSelector, {});

const MUST_BE_YES_OR_NO = 'must be "Yes" or "No"';

/** YAML takes a bare No, which people write, for false. */
const yesOrNo = v.pipe(
  v.nullish(v.union([v.picklist(['Yes', 'No', '']), v.boolean()], MUST_BE_YES_OR_NO), 'Yes'),
  v.transform((value) => value !== 'No' && value !== false),
);

export const ciliumPool = v.looseObject(
  {
    metadata: poolMetadata,
    spec: v.nullish(
      v.looseObject(
        {
          blocks: list(block, 'objects with cidr, or start and stop'),
          /** what blocks was called before Cilium 1.15 */
          cidrs: list(block, 'objects with cidr, or start and stop'),
          disabled: flag(),
          allowFirstLastIPs: yesOrNo,
          serviceSelector: optionalSelector(),
        },
        mustBeObject('blocks'),
      ),
      {},
    ),
  },
  mustBeObject('metadata and spec'),
);

export type CiliumPool = v.InferOutput<typeof ciliumPool>;

export const ciliumPolicy = v.looseObject(
  {
    metadata,
    spec: v.nullish(
      v.looseObject(
        {
          serviceSelector: optionalSelector(),
          nodeSelector: optionalSelector(),
          interfaces: list(v.string('must be a regular expression'), 'regular expressions'),
          loadBalancerIPs: flag(),
          externalIPs: flag(),
        },
        'must be an object',
      ),
      {},
    ),
  },
  mustBeObject('metadata and spec'),
);

export type CiliumPolicy = v.InferOutput<typeof ciliumPolicy>;

/** A policy is about Services whatever their pool: it is an entry of each of these pools. */
export function poolsOfCilium(
  pools: readonly Placed<CiliumPool>[],
  policies: readonly Placed<CiliumPolicy>[],
): Translation {
  const read = policies.toSorted(byName).map(entryOf);
  const announce = read.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  return {
    pools: pools.map((pool) => draftOf(pool, announce)),
    remarks: [
      ...(announce.length > 0 ? [] : pools.map(notAnnounced)),
      ...read.flatMap(({ remarks }) => remarks),
    ],
  };
}

function draftOf(document: Placed<CiliumPool>, announce: readonly Announcement[]): DraftPool {
  const { spec, metadata: meta } = document.value;
  const ranges = [...spec.cidrs, ...spec.blocks].map((each) =>
    each.isPrefix && !spec.allowFirstLastIPs ? withoutEnds(each.range) : each.range,
  );
  return {
    pool: {
      name: meta.name,
      ranges,
      autoAssign: true,
      draining: spec.disabled,
      skipZeroAnd255: false,
      priority: undefined,
      namespaces: undefined,
      namespaceSelectors: undefined,
      serviceSelectors: orNone(restricting([ownLabels(spec.serviceSelector)])),
      announce,
    },
    document,
    nameField: 'metadata.name',
    rangeFields: [
      ...spec.cidrs.map((_, i) => `spec.cidrs[${i}]`),
      ...spec.blocks.map((_, i) => `spec.blocks[${i}]`),
    ],
  };
}

/** Of /31, /32, /127 and /128 nothing would be left. */
function withoutEnds(range: AddressRange): AddressRange {
  if (rangeSize(range) <= 2n) return range;
  return { ...range, first: range.first + 1n, last: range.last - 1n };
}

/** Labels that Cilium gives each Service while it selects, and ours of the same meaning. */
const PSEUDO_LABELS: ReadonlyMap<string, string> = new Map([
  ['io.kubernetes.service.namespace', 'kube-ipvs.io/namespace'],
  ['io.kubernetes.service.name', 'kube-ipvs.io/name'],
]);

function ownLabels({ matchLabels, matchExpressions }: LabelSelector): LabelSelector {
  const ours = (key: string) => PSEUDO_LABELS.get(key) ?? key;
  return {
    ...(matchLabels && {
      matchLabels: Object.fromEntries(
        Object.entries(matchLabels).map(([key, value]) => [ours(key), value]),
      ),
    }),
    ...(matchExpressions && {
      matchExpressions: matchExpressions.map((each): LabelRequirement => ({
        ...each,
        key: ours(each.key),
      })),
    }),
  };
}

interface ReadPolicy {
  /** absent: nothing is announced because of it */
  readonly entry?: Announcement;
  readonly remarks: readonly Problem[];
}

function entryOf(policy: Placed<CiliumPolicy>): ReadPolicy {
  const { loadBalancerIPs, externalIPs, ...spec } = policy.value.spec;
  const remarks: Problem[] = [];
  if (externalIPs) {
    const problem = 'external IPs are not announced: give the Services load balancer addresses';
    remarks.push(problemAt(policy, 'spec.externalIPs', { value: true, problem }));
  }
  if (!loadBalancerIPs) {
    const problem = 'is not set, so nothing is announced because of this policy';
    remarks.push(problemAt(policy, 'spec.loadBalancerIPs', { value: false, problem }));
    return { remarks };
  }
  const { globs, unsaid } = interfacesOf(policy);
  remarks.push(...unsaid);
  // Without those that have no glob it would be announced on every interface.
  if (globs.length === 0 && unsaid.length > 0) {
    const problem = 'no interface is left, so nothing is announced because of this policy';
    return { remarks: [...remarks, problemAt(policy, 'spec.interfaces', { problem })] };
  }
  const entry = announcementOf({
    nodeSelectors: restricting([spec.nodeSelector]),
    serviceSelectors: restricting([ownLabels(spec.serviceSelector)]),
    interfaces: globs,
  });
  return { entry, remarks };
}

function interfacesOf(policy: Placed<CiliumPolicy>) {
  const globs: string[] = [];
  const unsaid: Problem[] = [];
  for (const [i, expression] of policy.value.spec.interfaces.entries()) {
    const found = globsOfExpression(expression);
    if (found !== undefined) globs.push(...found);
    else {
      const problem =
        'this regular expression cannot be said as globs and is left out; list names or globs';
      unsaid.push(problemAt(policy, `spec.interfaces[${i}]`, { value: expression, problem }));
    }
  }
  return { globs: [...new Set(globs)], unsaid };
}

function notAnnounced(pool: Placed<CiliumPool>): Problem {
  const problem =
    'no CiliumL2AnnouncementPolicy here announces load balancer addresses: those of this pool are given out and not announced by ARP or Neighbor Discovery';
  return problemAt(pool, '', { problem });
}
