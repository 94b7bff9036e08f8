/**
 * Files of our own formats beside the command line (`--host`, `--state`): read strictly, unlike a
 * KubeProxyConfiguration, and everything wrong with one is told at once.
 */
import * as v from 'valibot';
import type { Problem } from '../model/problem.ts';
import { parseAddress } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { isObject } from './fieldTypes.ts';
import { problemOf, unknownFields } from './schema.ts';

export type DecodedFile<Value> =
  | { readonly value: Value; readonly problems?: never }
  | { readonly value?: never; readonly problems: readonly Problem[] };

/**
 * @param schema made of {@link object}
 * @param document what a YAML or JSON reader made of the file
 * @param whole what the file is called where no field is meant
 */
export function decodeFile<Schema extends v.GenericSchema>(
  schema: Schema,
  document: unknown,
  whole: string,
): DecodedFile<v.InferOutput<Schema>> {
  const result = v.safeParse(schema, document);
  const unknown = unknownFields(schema, document).map((field) => ({
    path: field.path,
    value: field.value,
    problem: `unknown field${field.suggestion}`,
  }));
  const issues = result.success ? [] : result.issues.map((issue) => problemOf(issue, whole));
  const problems = [...issues, ...unknown];
  return result.success && problems.length === 0 ? { value: result.output } : { problems };
}

export const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.custom<object>(isObject, 'must be an object'), v.object(entries));

export const listOf = <const Item extends v.GenericSchema>(item: Item) =>
  v.nullish(v.array(item, 'must be a list'), []);

export const givenText = v.pipe(
  v.nullish(v.string('must be text'), ''),
  v.nonEmpty('must be given'),
);

/** In canonical text. */
export const address = v.pipe(
  v.string('must be text'),
  v.check((value) => parseAddress(value) !== undefined, 'must be an IP address'),
  v.transform((value) => parseAddress(value)!),
);

/** Host bits are kept: `10.0.0.1/24` is an address in a network. */
export const interfaceAddress = v.pipe(
  v.string('must be text'),
  v.check(
    (value) => parsePrefix(value) !== undefined,
    'must be an address with its prefix length, such as 192.168.1.10/24',
  ),
  v.transform((value) => {
    const [host, length] = value.split('/') as [string, string];
    return `${parseAddress(host)!}/${length}`;
  }),
);
