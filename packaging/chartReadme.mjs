#!/usr/bin/env node
// The table of values in charts/kube-ipvs/README.md, made from the comments of values.yaml (`# -- TEXT`, as helm-docs reads them).
//
//   npm run chart:readme    writes the table anew between the two markers

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, parseDocument } from 'yaml';
import { checkout } from './machine.mjs';

const chart = join(checkout, 'charts', 'kube-ipvs');
const readme = join(chart, 'README.md');
const begin = '<!-- values: made by packaging/chartReadme.mjs from values.yaml -->';
const end = '<!-- end of values -->';

/** @returns the README as it is, and as it should be */
export function readmes() {
  const written = readFileSync(readme, 'utf8');
  const [before, rest] = written.split(begin);
  const [, after] = (rest ?? '').split(end);
  if (after === undefined) throw new Error(`README.md has not both markers: ${begin} and ${end}`);
  const document = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  return {
    written,
    wanted: `${before}${begin}\n\n${table(rowsOf(document.contents, ''))}\n${end}${after}`,
  };
}

/** A row for each value with a comment, its default shown unless parts of it have rows of their own. */
function rowsOf(map, prefix) {
  return map.items.flatMap(({ key, value }, i) => {
    const path = `${prefix}${key.value}`;
    const text = meaning(i === 0 ? [map.commentBefore, key.commentBefore] : [key.commentBefore]);
    const parts = isMap(value) ? rowsOf(value, `${path}.`) : [];
    return [...(text ? [[path, parts.length > 0 ? '' : code(value), text]] : []), ...parts];
  });
}

/** Comment lines from the one that begins with `--`. */
function meaning(comments) {
  const lines = comments.filter(Boolean).join('\n').split('\n');
  const first = lines.findLastIndex((line) => line.trim().startsWith('--'));
  if (first < 0) return '';
  return lines
    .slice(first)
    .map((line) => line.trim())
    .join(' ')
    .replace(/^--\s*/, '');
}

function code(value) {
  const plain = isScalar(value) ? value.value : value.toJSON();
  return `\`${typeof plain === 'string' && plain !== '' ? plain : JSON.stringify(plain)}\``;
}

function table(rows) {
  const all = [
    ['Value', 'Default', 'Meaning'],
    ...rows.map(([path, ...rest]) => [`\`${path}\``, ...rest]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `${[line(all[0]), rule, ...all.slice(1).map(line)].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(readme, readmes().wanted);
}
