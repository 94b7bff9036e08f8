/**
 * Patterns of names (source files in `--vmodule`, network interfaces), in the syntax of Go's
 * filepath.Match.
 */

/** A star, a question mark, a class, an escaped letter, or one letter as it is. */
const TOKEN = /\*|\?|\[(\^?)((?:\\.|[^\\\]])+)\]|\\(.)|([^[\\])/gsu;

/**
 * Whether the whole of `name` is what `pattern` describes; `*` and `?` stand for anything but a
 * slash. A pattern that is none (`[a`) matches nothing, as in klog.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  return compiled(pattern)?.test(name) ?? false;
}

/** Whether it can be read at all: `[a` and `[z-a]` cannot. */
export function isGlob(pattern: string): boolean {
  return compiled(pattern) !== undefined;
}

/** The pattern that only `name` itself fits. */
export function globOf(name: string): string {
  return name.replace(/[*?[\]\\]/g, String.raw`\$&`);
}

function compiled(pattern: string): RegExp | undefined {
  let source = '';
  let readTo = 0;
  for (const token of pattern.matchAll(TOKEN)) {
    if (token.index !== readTo) return undefined;
    readTo += token[0].length;
    source += translated(token);
  }
  return readTo === pattern.length ? regularExpression(`^${source}$`) : undefined;
}

function translated([token, negation, letters, escaped, plain]: readonly string[]): string {
  if (token === '*') return '[^/]*';
  if (token === '?') return '[^/]';
  if (letters !== undefined) return `[${negation}${classSource(letters)}]`;
  return literal(escaped ?? plain!);
}

/** A range keeps its dash; a letter behind a backslash is that letter. */
function classSource(letters: string): string {
  return letters.replace(/\\(.)/gsu, (_, letter: string) => literal(letter));
}

function literal(letter: string): string {
  return `\\u{${letter.codePointAt(0)!.toString(16)}}`;
}

function regularExpression(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'su');
  } catch {
    return undefined;
  }
}
