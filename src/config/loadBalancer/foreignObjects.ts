/** What objects of other load balancers have in common, and what is made of each of them. */
import * as v from 'valibot';
import type { LabelSelector } from '../../model/labelSelector.ts';
import type { Problem } from '../../model/problem.ts';
import type { Placed } from '../placed.ts';
import { dnsLabel, mustBeObject } from './fields.ts';
import type { DraftPool } from './draftPool.ts';
import type { Announcement } from './settings.ts';

export interface Translation {
  readonly pools: readonly DraftPool[];
  /** what has no counterpart, or is not what one might think */
  readonly remarks: readonly Problem[];
}

const name = v.pipe(v.string('must be text'), v.minLength(1, 'must be given'));

/** The name of a pool becomes the name of one of ours. */
export const poolMetadata = v.looseObject(
  { name: dnsLabel, labels: v.nullish(v.record(v.string(), v.string('must be text')), {}) },
  mustBeObject('a name'),
);

export const metadata = v.looseObject(
  { name, namespace: v.nullish(v.string('must be text')) },
  mustBeObject('a name'),
);

/** Part of the objects' specs: absent and null are the same. */
export const optionalText = () => v.nullish(v.string('must be text'), '');

export function byName<Value extends { readonly metadata: { readonly name: string } }>(
  a: Placed<Value>,
  b: Placed<Value>,
): number {
  return compareTexts(a.value.metadata.name, b.value.metadata.name);
}

/** Neither the machine's language nor its settings have a say. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** One that fits everything is no restriction, and so left out. */
export function restricting(selectors: readonly LabelSelector[]): readonly LabelSelector[] {
  return selectors.some((each) => Object.keys(each).length === 0) ? [] : selectors;
}

export function orNone<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** @param options what differs from an entry that says nothing */
export function announcementOf(options: Partial<Announcement>): Announcement {
  return {
    nodeSelectors: [],
    serviceSelectors: [],
    interfaces: [],
    preferredNodes: [],
    ...options,
  };
}
