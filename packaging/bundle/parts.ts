/**
 * Two parts in one file. V8 reads every line of a module before the first one runs, which for the
 * proxy's 1.6 MB costs more than a listing does. So what a listing does without (src/cli/run.ts,
 * plan.ts, …) stands in a comment at the end, which is skipped quickly, and is compiled when it is
 * asked for. Decided here: how it is put there and taken out again, and where log lines are
 * written.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';

const OPENING = 'deferred:';
/** Stands for the end of a comment in the deferred part. */
const COMMENT_END = '*\\u002f';

/**
 * Source of the module that loads the deferred part. Its places in stack traces are those of the
 * one file. The comment begins behind the last line that opens one with the marker; the marker is
 * put together here, so that this text is none.
 */
export const LOADER = `
const { readFileSync } = process.getBuiltinModule('node:fs');
const { compileFunction } = process.getBuiltinModule('node:vm');
const text = readFileSync(bundleFile, 'latin1');
const opening = text.lastIndexOf('\\n/*' + '${OPENING}') + 1;
const start = text.indexOf('\\n', opening) + 1;
const callers = JSON.parse(text.slice(opening + ${2 + OPENING.length}, start));
const code = text.slice(start, text.lastIndexOf('\\n*/')).replaceAll(${JSON.stringify(COMMENT_END)}, '*' + '/');
const names = ['module', 'exports', 'require', 'bundleUrl', 'BUNDLE_CALLERS'];
const lineOffset = text.slice(0, start).split('\\n').length - 1;
const run = compileFunction(code, names, { filename: bundleFile, lineOffset });
const module_ = { exports: {} };
run(module_, module_.exports, require, bundleUrl, callers);
module.exports = module_.exports;
`;

/**
 * The first lines of the file behind \`#!\`: what CommonJS packages and the loader above ask for.
 */
export const BANNER = `import { createRequire as bundleRequire } from 'node:module';
const bundleFile = import.meta.filename;
const bundleUrl = import.meta.url;
const require = bundleRequire(bundleUrl);`;

/**
 * @param direct text of the part that always runs
 * @param deferred text and source map (as JSON) of the other
 * @returns the whole file
 */
export function joinParts(
  direct: string,
  { text, map }: { readonly text: string; readonly map: string },
): string {
  if (text.includes(COMMENT_END)) throw new Error(`the bundle holds ${COMMENT_END}`);
  const head = `${ascii(direct).trimEnd()}\n`;
  const firstLine = head.split('\n').length + 1;
  const callers = JSON.stringify(callersIn(text, map, firstLine));
  if (callers.includes('*/')) throw new Error('a caller ends a comment');
  return `${head}/*${OPENING}${callers}\n${ascii(text).trimEnd().replaceAll('*/', COMMENT_END)}\n*/\n`;
}

/**
 * ASCII is read fastest. What esbuild leaves of other letters stands in regular expressions and
 * comments.
 */
function ascii(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const LOG_CALL = /\.(?:info|verbose|isVerbose|plain|warning|error)\(/g;

/**
 * Places in the sources of the lines that may write to the log, by their number in the bundle: `{
 * "43820": "run.ts:44" }`. A whole source map would say the same and more in 3 MB.
 */
function callersIn(text: string, map: string, firstLine: number): Record<string, string> {
  const sources = new SourceMap(JSON.parse(map) as SourceMapPayload);
  const callers: Record<string, string> = {};
  text.split('\n').forEach((line, index) => {
    for (const { index: at } of line.matchAll(LOG_CALL)) {
      const entry = sources.findEntry(index, at + 1);
      if (!('originalSource' in entry) || entry.originalSource.includes('node_modules')) continue;
      callers[firstLine + index] =
        `${entry.originalSource.split('/').slice(-2).join('/')}:${entry.originalLine + 1}`;
    }
  });
  return callers;
}
