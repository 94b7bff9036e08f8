/**
 * What a valibot schema says of a document beside its value: its problems with dotted paths, and
 * fields that it does not have.
 */
import type * as v from 'valibot';
import type { Problem } from '../model/problem.ts';
import { isObject } from './fieldTypes.ts';
import { suggestion } from './suggest.ts';
import { joinPath } from './yamlText.ts';

export interface UnknownField {
  readonly path: string;
  readonly value: unknown;
  /** ` (did you mean syncPeriod?)`, or empty */
  readonly suggestion: string;
}

/** @param whole what the document as a whole is called */
export function problemOf(issue: v.BaseIssue<unknown>, whole: string): Problem {
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  return {
    path: keys.reduce<string>((path, key) => joinPath(path, key), '') || whole,
    value: issue.input,
    problem: issue.message,
  };
}

/**
 * What is looked at of a schema; valibot's own types do not tell one kind of schema from another.
 */
interface SchemaShape {
  readonly type: string;
  readonly pipe?: readonly SchemaShape[];
  readonly entries?: Readonly<Record<string, SchemaShape>>;
  readonly wrapped?: SchemaShape;
  readonly item?: SchemaShape;
}

/**
 * Fields that the schema does not name, all of them, at any depth. It is made of `v.object`, which
 * lets them pass; `v.looseObject` means it.
 */
export function unknownFields(schema: v.GenericSchema, document: unknown): UnknownField[] {
  return fieldsBelow(schema, document, '');
}

function fieldsBelow(shape: SchemaShape, value: unknown, path: string): UnknownField[] {
  const inner = shape.pipe?.find((step) => step.entries !== undefined) ?? shape.wrapped;
  if (inner) return fieldsBelow(inner, value, path);
  if (Array.isArray(value) && shape.item) {
    return value.flatMap((item, i) => fieldsBelow(shape.item!, item, joinPath(path, i)));
  }
  const { entries } = shape;
  if (!entries || !isObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const field = joinPath(path, key);
    const known = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (known) return fieldsBelow(known, member, field);
    if (shape.type === 'loose_object') return [];
    return [{ path: field, value: member, suggestion: suggestion(key, Object.keys(entries)) }];
  });
}
