/**
 * YAML or JSON text of configuration documents as plain values, with what a plain value loses:
 * duplicate keys and the line of each field. Read as Kubernetes reads it: YAML 1.1 (`yes` is true,
 * `<<` merges), the last of equal keys, and where one document is asked for the first that holds
 * anything. What the fields mean is decided elsewhere.
 */
import {
  type Document,
  LineCounter,
  type Node,
  type ScalarTag,
  type Tags,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  stringify,
} from 'yaml';
import type { Problem } from '../model/problem.ts';

export interface YamlDocument {
  readonly value: unknown;
  /** dotted paths of keys that appear more than once in their map; the last one counts */
  readonly duplicates: readonly string[];
  /**
   * `FILE:LINE:COLUMN` of the field, or of the nearest parent that is there; undefined for an empty
   * text
   */
  placeOf(path: string): string | undefined;
}

export interface YamlText extends YamlDocument {
  /** `FILE:LINE:COLUMN` where a second document begins, which Kubernetes does not look at */
  readonly secondDocumentAt: string | undefined;
}

export type YamlTextResult =
  | { readonly text: YamlText; readonly problems?: never }
  | { readonly text?: never; readonly problems: readonly Problem[] };

export interface YamlDocuments {
  /** those that hold anything, in the order of the text */
  readonly documents: readonly YamlDocument[];
  /** one for each document that is no YAML */
  readonly problems: readonly Problem[];
}

type Place = (offset: number) => string;

/** @param name how problems call the text, normally the file's path */
export function parseYamlText(content: string, name: string): YamlTextResult {
  const { parsed, at } = filledDocuments(content, name);
  const [first, second] = parsed;
  const { document, problems } = readDocument(first, at);
  if (problems !== undefined) return { problems };
  const secondDocumentAt = second && at(second.contents?.range?.[0] ?? second.range[0]);
  return { text: { ...document, secondDocumentAt } };
}

/** All documents of the text. @param name how problems call it */
export function parseYamlDocuments(content: string, name: string): YamlDocuments {
  const { parsed, at } = filledDocuments(content, name);
  const read = parsed.map((each) => readDocument(each, at));
  return {
    documents: read.flatMap(({ document }) => (document === undefined ? [] : [document])),
    problems: read.flatMap(({ problems }) => problems ?? []),
  };
}

type ReadDocument =
  | { readonly document: YamlDocument; readonly problems?: never }
  | { readonly document?: never; readonly problems: readonly Problem[] };

/** @param parsed undefined for a text without any: its value is null */
function readDocument(parsed: Document.Parsed | undefined, at: Place): ReadDocument {
  const invalid = (problem: string, offset: number): ReadDocument => ({
    problems: [{ path: 'YAML', value: undefined, problem, source: at(offset) }],
  });
  const [error] = parsed?.errors ?? [];
  if (error !== undefined) return invalid(`is not valid: ${error.message}`, error.pos[0]);
  const root = parsed?.contents ?? undefined;
  try {
    // Documents that hold an alias without its anchor, or far too many aliases, fail only here.
    const value: unknown = parsed?.toJS() ?? null;
    return {
      document: {
        value,
        duplicates: root ? duplicateKeys(root, '') : [],
        placeOf: (path) => (root ? at(deepestOffset(root, path)) : undefined),
      },
    };
  } catch (thrown) {
    return invalid(`is not valid: ${(thrown as Error).message}`, root?.range?.[0] ?? 0);
  }
}

/** A marker at the end begins a document too, with nothing in it. */
function filledDocuments(content: string, name: string) {
  const lineCounter = new LineCounter();
  const at: Place = (offset) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const documents = parseAllDocuments(content, {
    ...KUBERNETES_YAML,
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter,
  });
  // An empty text gives a list with a mark of its own, whose only document has no contents.
  const parsed = ([...documents] as Document.Parsed[]).filter(({ contents, errors }) => {
    const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
    return !isEmpty || errors.length > 0;
  });
  return { parsed, at };
}

/** Options of the parser for whatever kubectl and kube-proxy read too. */
export const KUBERNETES_YAML = { version: '1.1', customTags: tagsOfKubernetes } as const;

/**
 * What sigs.k8s.io/yaml makes of plain scalars, where it differs from YAML 1.1: times and numbers
 * to the base of 60 (which every IPv6 address of eight decimal groups would be) stay text, and
 * binary data become text.
 */
function tagsOfKubernetes(tags: Tags): Tags {
  const others = tags.filter(
    (tag) => typeof tag === 'string' || !(OTHERWISE.has(tag.tag) || isSexagesimal(tag)),
  );
  return [...others, BINARY_AS_TEXT];
}

const BINARY = 'tag:yaml.org,2002:binary';
const OTHERWISE: ReadonlySet<string> = new Set([BINARY, 'tag:yaml.org,2002:timestamp']);

function isSexagesimal(tag: object): boolean {
  return 'format' in tag && tag.format === 'TIME';
}

const BINARY_AS_TEXT: ScalarTag = {
  tag: BINARY,
  resolve(source, onError) {
    try {
      const bytes = Uint8Array.from(atob(source), (char) => char.charCodeAt(0));
      return new TextDecoder().decode(bytes);
    } catch {
      onError('!!binary is not base64');
      return source;
    }
  },
};

/**
 * YAML that reads back as the same value also where `n` and `on` are booleans, as in Kubernetes.
 */
export function formatYamlText(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0 });
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function duplicateKeys(node: unknown, path: string): string[] {
  if (isSeq(node)) return node.items.flatMap((item, i) => duplicateKeys(item, `${path}[${i}]`));
  if (!isMap(node)) return [];
  const seen = new Set<string>();
  return node.items.flatMap(({ key, value }) => {
    const field = joinPath(path, keyText(key));
    const inner = duplicateKeys(value, field);
    if (seen.has(field)) return [field, ...inner];
    seen.add(field);
    return inner;
  });
}

/** Offset of the key (or list item) that `path` names, as deep as it can be followed. */
function deepestOffset(root: Node, path: string): number {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    let next: unknown;
    if (isSeq(node)) {
      next = node.items[Number(step)];
      offset = (next as Node | undefined)?.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => keyText(key) === step);
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      next = pair?.value;
    }
    if (next === undefined || next === null) return offset;
    node = next;
  }
  return offset;
}

/** `ipvs` + `syncPeriod` → `ipvs.syncPeriod`; list positions are appended as `[0]`. */
export function joinPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  return parent === '' ? key : `${parent}.${key}`;
}
