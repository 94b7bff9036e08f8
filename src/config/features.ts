/**
 * What `--features` names, decoded: documents of the kinds in featureKinds.ts. They are ours, so
 * unlike kube-proxy's they are read strictly: what is not known is an error, and everything wrong
 * is told at once, each with its place.
 */
import * as v from 'valibot';
import type { Problem } from '../model/problem.ts';
import { isObject } from './fieldTypes.ts';
import { API_VERSION, DOCUMENT_KINDS, type DocumentKind, type SectionsOf } from './featureKinds.ts';
import { problemOf, unknownFields } from './schema.ts';
import { suggestion } from './suggest.ts';
import type { YamlDocument } from './yamlText.ts';

export interface DecodedFeatures<Table extends readonly DocumentKind[]> {
  /** of the documents that are right */
  readonly features: SectionsOf<Table>;
  readonly problems: readonly Problem[];
}

/** @param table the product's; another in tests */
export function decodeFeatures(
  documents: readonly YamlDocument[],
): DecodedFeatures<typeof DOCUMENT_KINDS>;
export function decodeFeatures<const Table extends readonly DocumentKind[]>(
  documents: readonly YamlDocument[],
  table: Table,
): DecodedFeatures<Table>;
export function decodeFeatures(
  documents: readonly YamlDocument[],
  table: readonly DocumentKind[] = DOCUMENT_KINDS,
): DecodedFeatures<readonly DocumentKind[]> {
  const decoder = new Decoder(table);
  for (const document of documents) decoder.add(document);
  return decoder;
}

class Decoder {
  readonly features: Record<string, unknown> = {};
  readonly problems: Problem[] = [];
  readonly #table: readonly DocumentKind[];
  /** where the one of each kind is */
  readonly #places = new Map<DocumentKind, string>();

  constructor(table: readonly DocumentKind[]) {
    this.#table = table;
  }

  add(document: YamlDocument): void {
    const { value } = document;
    if (!isObject(value)) {
      return this.#wrong(document, '', { path: 'document', value, problem: MUST_BE_OBJECT });
    }
    const { apiVersion, kind, ...fields } = value;
    const rows = this.#table.filter((each) => each.kind === kind);
    const row = rows.find((each) => each.apiVersion === apiVersion);
    if (row !== undefined) return this.#addTo(row, document, fields);
    const isKindKnown = rows.length > 0;
    const versions = rows.map((each) => each.apiVersion).join(' or ');
    const found = isKindKnown
      ? {
          path: 'apiVersion',
          value: apiVersion,
          problem: `must be ${versions} for a ${String(kind)}`,
        }
      : { path: 'kind', value: kind, problem: this.#unknownKind(kind, apiVersion) };
    this.#wrong(document, found.path, found);
  }

  #addTo(row: DocumentKind, document: YamlDocument, fields: object): void {
    const { kind, section, schema } = row;
    const first = this.#places.get(row);
    if (first !== undefined && row.isMany !== true) {
      const problem = `is already at ${first}, and there is at most one; put all of it into one document`;
      return this.#wrong(document, '', { path: kind, value: undefined, problem });
    }
    this.#places.set(row, document.placeOf('')!);
    const result = v.safeParse(schema, fields);
    const found = [
      ...unknownFields(schema, fields).map((field) => ({
        path: field.path,
        value: field.value,
        problem: `unknown field${field.suggestion}`,
      })),
      ...document.duplicates.map((path) => ({
        path,
        value: undefined,
        problem: 'is there more than once; keep one',
      })),
      ...(result.success ? [] : result.issues.map((issue) => problemOf(issue, ''))),
    ];
    for (const { path, ...rest } of found) {
      this.#wrong(document, path, { ...rest, path: path === '' ? kind : `${kind}.${path}` });
    }
    if (!result.success || found.length > 0) return;
    if (row.isMany !== true) this.features[section] = result.output;
    else {
      const before = (this.features[section] ?? []) as readonly unknown[];
      this.features[section] = [...before, result.output];
    }
  }

  #unknownKind(kind: unknown, apiVersion: unknown): string {
    const known = this.#table.map((each) => each.kind);
    const list = this.#table
      .map((each) =>
        each.apiVersion === API_VERSION ? each.kind : `${each.kind} of ${each.apiVersion}`,
      )
      .join(', ');
    if (kind === 'KubeProxyConfiguration')
      return `is what --config takes; here there may be ${list}`;
    const ours = apiVersion === API_VERSION ? '' : ` (apiVersion: ${API_VERSION})`;
    if (kind === undefined || kind === null) return `must be given; there are ${list}${ours}`;
    const hint = typeof kind === 'string' ? suggestion(kind, known) : '';
    return `unknown kind${hint}; there are ${list}${ours}`;
  }

  #wrong(document: YamlDocument, field: string, problem: Problem): void {
    const source = document.placeOf(field);
    this.problems.push({ ...problem, ...(source === undefined ? {} : { source }) });
  }
}

const MUST_BE_OBJECT = `must be an object with apiVersion: ${API_VERSION} and kind`;
