/**
 * Documents of the kinds of a table (featureKinds.ts), decoded one by one. Ours are read strictly,
 * unlike kube-proxy's: what is not known is an error, and everything wrong is told at once, each
 * with its place. A v1 `List`, as kubectl prints several objects, is what it holds.
 */
import * as v from 'valibot';
import type { Problem } from '../model/problem.ts';
import { isObject } from './fieldTypes.ts';
import { API_VERSION, type DocumentKind, type SectionsOf } from './featureKinds.ts';
import { type Placed, problemAt } from './placed.ts';
import { problemOf, unknownFields } from './schema.ts';
import { suggestion } from './suggest.ts';
import { type YamlDocument, joinPath } from './yamlText.ts';

export interface DecodedDocuments<Table extends readonly DocumentKind[]> {
  /** those that are right */
  readonly sections: SectionsOf<Table>;
  readonly problems: readonly Problem[];
}

export function decodeDocuments<const Table extends readonly DocumentKind[]>(
  documents: readonly YamlDocument[],
  table: Table,
): DecodedDocuments<Table> {
  const decoder = new Decoder(table);
  for (const document of documents) decoder.add(document, '');
  const sections: object = Object.fromEntries(decoder.sections);
  return { sections, problems: decoder.problems };
}

class Decoder {
  readonly sections = new Map<string, Placed<unknown>[]>();
  readonly problems: Problem[] = [];
  readonly #table: readonly DocumentKind[];
  /** where the one of each kind is */
  readonly #places = new Map<DocumentKind, string>();

  constructor(table: readonly DocumentKind[]) {
    this.#table = table;
  }

  /** @param at its field in the document that the file has; empty for that itself */
  add(document: YamlDocument, at: string): void {
    const { value } = document;
    if (!isObject(value)) return this.#unread(document, at, '', { value, problem: MUST_BE_OBJECT });
    const { apiVersion, kind, ...fields } = value;
    if (apiVersion === 'v1' && kind === 'List') return this.#addItems(document, at, fields);
    const rows = this.#table.filter((each) => each.kind === kind);
    const row = rows.find((each) => each.apiVersion === apiVersion);
    if (row !== undefined) return this.#addTo(row, document, fields);
    if (rows.length === 0) {
      const problem = this.#unknownKind(kind, apiVersion);
      return this.#unread(document, at, 'kind', { value: kind, problem });
    }
    const versions = rows.map((each) => each.apiVersion).join(' or ');
    const problem = `must be ${versions} for a ${String(kind)}`;
    this.#unread(document, at, 'apiVersion', { value: apiVersion, problem });
  }

  #addItems(document: YamlDocument, at: string, { items }: { readonly items?: unknown }): void {
    if (!Array.isArray(items)) {
      const problem = 'must be a list of objects';
      return this.#unread(document, at, 'items', { value: items, problem });
    }
    for (const [i, value] of items.entries()) {
      const field = joinPath('items', i);
      this.add(
        {
          value,
          duplicates: document.duplicates.flatMap((path) =>
            path.startsWith(`${field}.`) ? [path.slice(field.length + 1)] : [],
          ),
          placeOf: (path) => document.placeOf(path === '' ? field : `${field}.${path}`),
        },
        at === '' ? field : `${at}.${field}`,
      );
    }
  }

  #addTo(row: DocumentKind, document: YamlDocument, fields: object): void {
    const { kind, section, schema } = row;
    const isMany = row.isMany === true;
    const result = v.safeParse(schema, fields);
    const placed: Placed<unknown> = {
      value: result.output,
      title: isMany ? titleOf(kind, fields) : kind,
      placeOf: (field) => document.placeOf(field),
    };
    const first = this.#places.get(row);
    if (first !== undefined && !isMany) {
      const problem = `is already at ${first}, and there is at most one; put all of it into one document`;
      this.problems.push(problemAt(placed, '', { problem }));
      return;
    }
    this.#places.set(row, document.placeOf('')!);
    const found = wrongFields(schema, fields, document.duplicates, result);
    for (const { path, ...rest } of found) this.problems.push(problemAt(placed, path, rest));
    if (found.length > 0) return;
    const before = this.sections.get(section);
    if (before === undefined) this.sections.set(section, [placed]);
    else before.push(placed);
  }

  #unknownKind(kind: unknown, apiVersion: unknown): string {
    const known = this.#table.map((each) => each.kind);
    const list = kindList(this.#table);
    if (kind === 'KubeProxyConfiguration')
      return `is what --config takes; here there may be ${list}`;
    const ours = apiVersion === API_VERSION ? '' : ` (apiVersion: ${API_VERSION})`;
    if (kind === undefined || kind === null) return `must be given; there are ${list}${ours}`;
    const hint = typeof kind === 'string' ? suggestion(kind, known) : '';
    return `unknown kind${hint}; there are ${list}${ours}`;
  }

  /** Of a document whose kind is not known, or which has none. */
  #unread(
    document: YamlDocument,
    at: string,
    field: string,
    { value, problem }: { readonly value: unknown; readonly problem: string },
  ): void {
    const path = [at, field].filter((part) => part !== '').join('.') || 'document';
    const source = document.placeOf(field);
    this.problems.push({ path, value, problem, ...(source === undefined ? {} : { source }) });
  }
}

/** `AConfiguration, BConfiguration, Pool of example.com/v1 or example.com/v2`. */
function kindList(table: readonly DocumentKind[]): string {
  const used = Map.groupBy(
    table.filter(({ isUnused }) => isUnused !== true),
    ({ kind }) => kind,
  );
  const texts = Array.from(used, ([kind, rows]) => {
    const versions = rows
      .map(({ apiVersion }) => apiVersion)
      .filter((each) => each !== API_VERSION);
    return versions.length === 0 ? kind : `${kind} of ${versions.join(' or ')}`;
  });
  return texts.join(', ');
}

const MUST_BE_OBJECT = `must be an object with apiVersion: ${API_VERSION} and kind`;

type WrongField = Pick<Problem, 'path' | 'value' | 'problem'>;

function wrongFields(
  schema: v.GenericSchema,
  fields: object,
  duplicates: readonly string[],
  result: v.SafeParseResult<v.GenericSchema>,
): readonly WrongField[] {
  return [
    ...unknownFields(schema, fields).map((field) => ({
      path: field.path,
      value: field.value,
      problem: `unknown field${field.suggestion}`,
    })),
    ...duplicates.map((path) => ({
      path,
      value: undefined,
      problem: 'is there more than once; keep one',
    })),
    ...(result.success ? [] : result.issues.map((issue) => problemOf(issue, ''))),
  ];
}

/** `IPAddressPool/metallb-system/lan`, as far as it has a name. */
function titleOf(kind: string, fields: { readonly metadata?: unknown }): string {
  const { namespace, name } = isObject(fields.metadata) ? fields.metadata : {};
  return [kind, namespace, name].filter((part) => typeof part === 'string').join('/');
}
