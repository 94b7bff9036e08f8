#!/usr/bin/env node
// The table of values in charts/kube-ipvs/README.md, made from the comments of values.yaml (`# --
// TEXT`, as helm-docs reads them).
//
//   npm run chart:readme    writes the table anew between the two markers

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Node, type Scalar, type YAMLMap, isMap, isScalar, parseDocument } from 'yaml';
import { checkout } from './machine.mjs';

const chart = join(checkout, 'charts', 'kube-ipvs');
const readme = join(chart, 'README.md');
const begin = '<!-- values: made by packaging/chartReadme.ts from values.yaml -->';
const end = '<!-- end of values -->';

type Values = YAMLMap<Scalar<string>, Node>;
/** Of a chart's values: path, default, meaning. */
type Row = readonly [string, string, string];

/** @returns the README as it is, and as it should be */
export function readmes(): { readonly written: string; readonly wanted: string } {
  const written = readFileSync(readme, 'utf8');
  const [before, rest] = written.split(begin);
  const [, after] = (rest ?? '').split(end);
  if (after === undefined) throw new Error(`README.md has not both markers: ${begin} and ${end}`);
  const document = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  return {
    written,
    wanted: `${before}${begin}\n\n${table(rowsOf(document.contents as Values, ''))}\n${end}${after}`,
  };
}

/**
 * A row for each value with a comment, its default shown unless parts of it have rows of their own.
 */
function rowsOf(map: Values, prefix: string): readonly Row[] {
  return map.items.flatMap(({ key, value }, i) => {
    const path = `${prefix}${key.value}`;
    const text = meaning(i === 0 ? [map.commentBefore, key.commentBefore] : [key.commentBefore]);
    const parts = isMap(value) ? rowsOf(value as Values, `${path}.`) : [];
    const row: Row = [path, parts.length > 0 || value === null ? '' : code(value), text];
    return [...(text === '' ? [] : [row]), ...parts];
  });
}

/** Comment lines from the one that begins with `--`. */
function meaning(comments: readonly (string | null | undefined)[]): string {
  const lines = comments.filter(Boolean).join('\n').split('\n');
  const first = lines.findLastIndex((line) => line.trim().startsWith('--'));
  if (first < 0) return '';
  return lines
    .slice(first)
    .map((line) => line.trim())
    .join(' ')
    .replace(/^--\s*/, '');
}

function code(value: Node): string {
  const plain: unknown = isScalar(value) ? value.value : value.toJSON();
  return `\`${typeof plain === 'string' && plain !== '' ? plain : JSON.stringify(plain)}\``;
}

function table(rows: readonly Row[]): string {
  const all: readonly Row[] = [
    ['Value', 'Default', 'Meaning'],
    ...rows.map(([path, standard, text]): Row => [`\`${path}\``, standard, text]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: Row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `${[line(all[0]!), rule, ...all.slice(1).map(line)].join('\n')}\n`;
}

if (import.meta.main) {
  writeFileSync(readme, readmes().wanted);
}
