/**
 * `--state` of an offline plan of the load balancer: what only a running system knows. Whoever is
 * not named in it is alive, ready, and has been so for ever.
 */
import * as v from 'valibot';
import { FAMILIES } from '../../net/family.ts';
import {
  address,
  type DecodedFile,
  decodeFile,
  interfaceAddress,
  listOf,
  givenText,
  object,
} from '../ownFile.ts';

const flag = (fallback: boolean) => v.nullish(v.boolean('must be true or false'), fallback);

const interfaceSchema = object({
  name: givenText,
  addresses: listOf(interfaceAddress),
  defaultRoute: listOf(v.picklist(FAMILIES, 'must be IPv4 or IPv6')),
});

const nodeSchema = object({
  name: givenText,
  alive: flag(true),
  ready: flag(true),
  leaving: flag(false),
  aliveForSec: v.nullish(
    v.pipe(v.number('must be a number of seconds'), v.minValue(0, 'must not be negative')),
    Infinity,
  ),
  /** that it cannot program */
  unable: listOf(address),
  /** those that may carry announcements; absent: nothing is known of them */
  interfaces: v.nullish(v.array(interfaceSchema, 'must be a list'), undefined),
});

const stateSchema = object({
  nodes: listOf(nodeSchema),
  /** who announces an address now */
  owners: listOf(object({ address, node: givenText })),
  /** who else has been seen answering for an address */
  conflicts: listOf(
    object({
      address,
      mac: v.pipe(
        v.string('must be text'),
        v.regex(/^[\da-f]{2}(:[\da-f]{2}){5}$/i, 'must be a MAC address'),
      ),
    }),
  ),
});

export type StateFile = v.InferOutput<typeof stateSchema>;

/** Without a file. */
export const NO_STATE: StateFile = { nodes: [], owners: [], conflicts: [] };

/** @param document what a YAML or JSON reader made of the file */
export function decodeStateFile(document: unknown): DecodedFile<StateFile> {
  const decoded = decodeFile(stateSchema, document, 'state file');
  if (decoded.value === undefined) return decoded;
  const { nodes, owners, conflicts } = decoded.value;
  const problems = [
    ...twice(
      'nodes',
      'name',
      nodes.map((each) => each.name),
    ),
    ...twice(
      'owners',
      'address',
      owners.map((each) => each.address),
    ),
    ...twice(
      'conflicts',
      'address',
      conflicts.map((each) => each.address),
    ),
  ];
  return problems.length === 0 ? decoded : { problems };
}

function twice(list: string, field: string, values: readonly string[]) {
  return values.flatMap((value, i) => {
    const first = values.indexOf(value);
    const path = `${list}[${i}].${field}`;
    return first === i ? [] : [{ path, value, problem: `is already in ${list}[${first}]` }];
  });
}
