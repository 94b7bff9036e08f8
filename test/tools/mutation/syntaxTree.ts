/**
 * A source file as a tree of syntax with places in it. swc gives the tree, because TypeScript 7 has
 * no compiler API; its places are bytes of UTF-8 counted from 1, so everything here works on bytes
 * too.
 */
import { parseSync } from '@swc/core';

export interface SyntaxNode {
  readonly type: string;
  /** Offsets in bytes from the start of the file; the end is the first byte after it. */
  readonly start: number;
  readonly end: number;
  /** The node as swc gives it, its children being plain objects; use `child` and `children`. */
  readonly raw: RawNode;
}

export interface RawNode {
  readonly type?: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly [property: string]: unknown;
}

/** The first byte of a file, as swc counts. */
const ORIGIN = 1;

/**
 * What of TypeScript stands around code that runs; every other node of the kind `Ts…` is a type.
 */
const TRANSPARENT = new Set([
  'TsAsExpression',
  'TsSatisfiesExpression',
  'TsNonNullExpression',
  'TsConstAssertion',
]);

export function parseSource(text: string): SyntaxNode {
  const module = parseSync(text, { syntax: 'typescript' });
  return toNode(module as unknown as RawNode, Buffer.byteLength(text));
}

/** One child by its name; undefined where there is none. */
export function child(node: SyntaxNode, name: string): SyntaxNode | undefined {
  const raw = node.raw[name];
  return isRawNode(raw) ? toNode(raw) : undefined;
}

/**
 * A list by its name; holes of an array and wrappers without a place (`{ spread, expression }`) are
 * passed over.
 */
export function children(node: SyntaxNode, name: string): readonly SyntaxNode[] {
  const raw = node.raw[name];
  return Array.isArray(raw) ? raw.flatMap((each) => (isRawNode(each) ? [toNode(each)] : [])) : [];
}

/** All nodes that run, each before what is in it. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  if (node.type.startsWith('Ts') && !TRANSPARENT.has(node.type)) return;
  if (node.type === 'ImportDeclaration') return;
  yield node;
  yield* walkInto(node.raw);
}

function* walkInto(raw: RawNode): Generator<SyntaxNode> {
  for (const [name, value] of Object.entries(raw)) {
    if (name === 'span' || name === 'key') continue;
    for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (isRawNode(each)) yield* walk(toNode(each));
      else if (typeof each === 'object' && each !== null) yield* walkInto(each as RawNode);
    }
  }
}

/** A module's own place begins with its first word; the file's begins before the comments. */
function toNode(raw: RawNode, length?: number): SyntaxNode {
  const { start, end } = raw.span ?? { start: ORIGIN, end: ORIGIN };
  if (length !== undefined) return { type: raw.type ?? '', start: 0, end: length, raw };
  return { type: raw.type ?? '', start: start - ORIGIN, end: end - ORIGIN, raw };
}

function isRawNode(value: unknown): value is RawNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'span' in value;
}
