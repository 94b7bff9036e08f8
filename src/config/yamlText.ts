/**
 * YAML or JSON text of one configuration document as a plain value, with what a plain value loses: duplicate keys and the
 * line of each field. Read as Kubernetes reads it (YAML 1.1: `yes` is true). What the fields mean is decided elsewhere.
 */
import {
  type Document,
  LineCounter,
  type Node,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  stringify,
} from 'yaml';
import type { Problem } from '../model/problem.ts';

export interface YamlText {
  readonly value: unknown;
  /** dotted paths of keys that appear more than once in their map; the last one counts */
  readonly duplicates: readonly string[];
  /** `FILE:LINE:COLUMN` of the field, or of the nearest parent that is there; undefined for an empty text */
  placeOf(path: string): string | undefined;
}

export type YamlTextResult =
  | { readonly text: YamlText; readonly problems?: never }
  | { readonly text?: never; readonly problems: readonly Problem[] };

/** @param name how problems call the text, normally the file's path */
export function parseYamlText(content: string, name: string): YamlTextResult {
  const lines = new LineCounter();
  const documents = [
    ...parseAllDocuments(content, {
      version: '1.1',
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: lines,
    }),
  ] as Document[];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const invalid = (problem: string, offset: number): Problem => ({
    path: 'YAML',
    value: undefined,
    problem,
    source: at(offset),
  });
  const errors = documents.flatMap((document) =>
    document.errors.map((error) => invalid(`is not valid: ${error.message}`, error.pos[0])),
  );
  if (errors.length > 0) return { problems: errors };

  const filled = documents.filter((document) => document.contents !== null);
  const second = filled[1]?.contents as Node | undefined;
  if (second) {
    const problem = 'a second document begins here; put exactly one into the file';
    return { problems: [invalid(problem, second.range?.[0] ?? 0)] };
  }
  const root = filled[0]?.contents as Node | undefined;
  try {
    // Documents that hold an alias without its anchor, or far too many aliases, fail only here.
    const value: unknown = filled[0]?.toJS() ?? null;
    return {
      text: {
        value,
        duplicates: root ? duplicateKeys(root, '') : [],
        placeOf: (path) => (root ? at(deepestOffset(root, path)) : undefined),
      },
    };
  } catch (error) {
    const problem = `is not valid: ${(error as Error).message}`;
    return { problems: [invalid(problem, root?.range?.[0] ?? 0)] };
  }
}

/** YAML that reads back as the same value also where `n` and `on` are booleans, as in Kubernetes. */
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
