/**
 * What is made wrong, one thing at a time: each mutator looks at one node of the syntax and
 * proposes replacements of bytes. The kinds are those of a slip of the pen (a comparison, a guard,
 * an `await`); whether the result compiles is found out by the compiler.
 */
import { child, children, type SyntaxNode } from './syntaxTree.ts';

/** Bytes `start` to `end` of the file become `replacement`. */
export interface Edit {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

export type Mutator = (node: SyntaxNode, source: Buffer) => readonly Edit[];

const OPERATORS: Readonly<Record<string, readonly [kind: string, instead: string]>> = {
  '===': ['compare', '!=='],
  '!==': ['compare', '==='],
  '<': ['compare', '<='],
  '<=': ['compare', '<'],
  '>': ['compare', '>='],
  '>=': ['compare', '>'],
  '&&': ['logical', '||'],
  '||': ['logical', '&&'],
  '+': ['arith', '-'],
  '-': ['arith', '+'],
  '*': ['arith', '/'],
  '/': ['arith', '*'],
  '%': ['arith', '*'],
  '+=': ['arith', '-='],
  '-=': ['arith', '+='],
};

const DROPPED_CALLS = new Set(['filter', 'sort', 'toSorted', 'slice', 'catch']);

/** Of a statement list: what follows them is not reached. */
const ENDINGS = new Set([
  'ReturnStatement',
  'ThrowStatement',
  'ContinueStatement',
  'BreakStatement',
]);

const textOf = (source: Buffer, node: SyntaxNode): string =>
  source.toString('utf8', node.start, node.end);

const replace = (kind: string, node: SyntaxNode, replacement: string): Edit => ({
  kind,
  start: node.start,
  end: node.end,
  replacement,
});

function binary(node: SyntaxNode, source: Buffer): readonly Edit[] {
  if (node.type !== 'BinaryExpression' && node.type !== 'AssignmentExpression') return [];
  const [left, right] = [child(node, 'left'), child(node, 'right')];
  if (left === undefined || right === undefined) return [];
  const operator = String(node.raw['operator']);
  if (operator === '??') return [replace('default', node, textOf(source, left))];
  const change = OPERATORS[operator];
  if (change === undefined) return [];
  const start = source.indexOf(operator, left.end);
  return [{ kind: change[0], start, end: start + operator.length, replacement: change[1] }];
}

function negation(node: SyntaxNode, source: Buffer): readonly Edit[] {
  if (node.type === 'UnaryExpression' && node.raw['operator'] === '!') {
    const argument = child(node, 'argument');
    return argument === undefined ? [] : [replace('negate', node, `(${textOf(source, argument)})`)];
  }
  const isChoice = ['IfStatement', 'WhileStatement', 'ConditionalExpression'].includes(node.type);
  const test = isChoice ? child(node, 'test') : undefined;
  return test === undefined ? [] : [replace('negate', test, `!(${textOf(source, test)})`)];
}

function statement(node: SyntaxNode): readonly Edit[] {
  if (node.type === 'ExpressionStatement') return [replace('rmStatement', node, ';')];
  if (node.type !== 'IfStatement' || child(node, 'alternate') !== undefined) return [];
  const consequent = child(node, 'consequent');
  const last = consequent && (children(consequent, 'stmts').at(-1) ?? consequent);
  return last !== undefined && ENDINGS.has(last.type) ? [replace('rmGuard', node, ';')] : [];
}

function earlyReturn(node: SyntaxNode): readonly Edit[] {
  if (node.type !== 'FunctionBody' || children(node, 'stmts').length === 0) return [];
  const start = node.start + 1;
  return [{ kind: 'early', start, end: start, replacement: ' return;' }];
}

function awaiting(node: SyntaxNode, source: Buffer): readonly Edit[] {
  const argument = node.type === 'AwaitExpression' ? child(node, 'argument') : undefined;
  return argument === undefined ? [] : [replace('rmAwait', node, `(${textOf(source, argument)})`)];
}

function literal(node: SyntaxNode): readonly Edit[] {
  const value = node.raw['value'];
  if (node.type === 'BooleanLiteral') return [replace('bool', node, String(value !== true))];
  if (node.type === 'StringLiteral' && value !== '') return [replace('string', node, `''`)];
  if (node.type !== 'NumericLiteral' || typeof value !== 'number') return [];
  // Up or down by the place in the file, so that both are tried and every run tries the same.
  const isUp = value === 0 || node.start % 2 === 0;
  return [replace('number', node, String(isUp ? value + 1 : value - 1))];
}

/**
 * An element of a list, an argument that is spread, a property of an object: it goes, with the
 * comma after it.
 */
function element(node: SyntaxNode, source: Buffer): readonly Edit[] {
  if (node.type === 'ObjectExpression') {
    return objectProperties(node).map((each) => without('dropProperty', each, source));
  }
  if (node.type !== 'ArrayExpression' && node.type !== 'CallExpression') return [];
  const listed = node.raw[node.type === 'ArrayExpression' ? 'elements' : 'arguments'];
  const edits: Edit[] = [];
  for (const each of Array.isArray(listed) ? (listed as readonly unknown[]) : []) {
    const item = each as { spread: { start: number } | null; expression: SyntaxNode['raw'] } | null;
    const expression =
      item === null ? undefined : child({ ...node, raw: { ...item } }, 'expression');
    if (item === null || expression === undefined) continue;
    const isSpread = item.spread !== null;
    if (!isSpread && node.type === 'CallExpression') continue;
    // The three dots stand right before what they spread.
    const start = isSpread ? source.lastIndexOf('...', expression.start) : expression.start;
    edits.push(without(isSpread ? 'dropSpread' : 'dropElement', { ...expression, start }, source));
  }
  return edits;
}

/**
 * swc gives places to shorthands and methods only: `key: value` reaches from its key to its value,
 * `...rest` from its dots.
 */
function objectProperties(node: SyntaxNode): readonly SyntaxNode[] {
  const listed = node.raw['properties'];
  return (Array.isArray(listed) ? (listed as readonly SyntaxNode['raw'][]) : []).flatMap((raw) => {
    const property = { ...node, type: raw.type ?? '', raw };
    const key = child(property, 'key');
    const value = child(property, 'value') ?? child(property, 'arguments');
    if (property.type === 'SpreadElement' && value !== undefined)
      return [{ ...value, start: value.start - '...'.length }];
    return key === undefined || value === undefined
      ? children({ ...node, raw: { each: [raw] } }, 'each')
      : [{ ...property, start: key.start, end: value.end }];
  });
}

function without(kind: string, node: SyntaxNode, source: Buffer): Edit {
  const comma = /^\s*,/.exec(source.toString('utf8', node.end, node.end + 200));
  const end = node.end + Buffer.byteLength(comma?.[0] ?? '');
  return { kind, start: node.start, end, replacement: '' };
}

function call(node: SyntaxNode, source: Buffer): readonly Edit[] {
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  if (callee?.type !== 'MemberExpression') return [];
  const [object, property] = [child(callee, 'object'), child(callee, 'property')];
  if (object === undefined || property?.type !== 'Identifier') return [];
  const name = textOf(source, property);
  if (DROPPED_CALLS.has(name)) return [replace('dropCall', node, textOf(source, object))];
  if (name === 'some') return [replace('quantifier', property, 'every')];
  return name === 'every' ? [replace('quantifier', property, 'some')] : [];
}

export const MUTATORS: readonly Mutator[] = [
  binary,
  negation,
  statement,
  earlyReturn,
  awaiting,
  literal,
  element,
  call,
];
