/**
 * Who may reach a Service's load balancer addresses (spec.loadBalancerSourceRanges). Fails closed:
 * a malformed range admits nobody, and a family whose ranges are all malformed is closed, never
 * open.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import { formatPrefix, type Prefix } from '../net/prefix.ts';
import { parseSloppyPrefix } from '../net/sloppy.ts';
import type { Problem } from './problem.ts';
import type { ServiceResource } from './resources.ts';

export interface SourceRanges {
  /** absent: the family is unrestricted; empty: nobody */
  readonly byFamily: Partial<Readonly<Record<Family, readonly Prefix[]>>>;
  readonly problems: readonly Problem[];
}

/**
 * Duplicates are removed; ranges of length 0 are kept as such. Ranges of one family do not restrict
 * the other.
 */
export function sourceRanges(service: ServiceResource): SourceRanges {
  const byFamily: Partial<Record<Family, Map<string, Prefix>>> = {};
  const problems: Problem[] = [];
  for (const [index, text] of service.sourceRanges.entries()) {
    const prefix = parseSloppyPrefix(text.trim());
    const families = prefix === undefined ? familiesMeant(text) : [prefix.family];
    for (const family of families) byFamily[family] ??= new Map();
    if (prefix === undefined) problems.push(malformed(service, index, text));
    else byFamily[prefix.family]!.set(formatPrefix(prefix), prefix);
  }
  const entries = Object.entries(byFamily).map(([family, ranges]) => [
    family,
    [...ranges.values()],
  ]);
  return { byFamily: Object.fromEntries(entries) as SourceRanges['byFamily'], problems };
}

/** The family that a malformed range was most likely written for; both when it cannot be told. */
function familiesMeant(text: string): readonly Family[] {
  if (text.includes(':')) {
    // `::ffff:10.0.0.0/130`, `::ffff:0:0/90`
    const mayBeMapped = text.includes('.') || /ffff:/i.test(text);
    return mayBeMapped ? FAMILIES : ['IPv6'];
  }
  return /^[\d./\s]*$/.test(text) && /\d/.test(text) ? ['IPv4'] : FAMILIES;
}

function malformed(service: ServiceResource, index: number, text: string): Problem {
  const field = service.sourceRangesPath;
  const position = field.startsWith('spec.') ? `[${index}]` : '';
  return {
    path: `Service/${service.namespace}/${service.name}.${field}${position}`,
    value: text,
    problem: 'is not a range of the form address/length',
    consequence: 'RangeAdmitsNobody',
  };
}
