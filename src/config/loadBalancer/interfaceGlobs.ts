/**
 * Regular expressions of interface names as globs. An expression without anchors fits in the middle
 * of a name too, which a star says at either end; what a glob cannot say (a repetition of some
 * characters only) is not guessed.
 */
import { globOf } from '../../net/glob.ts';

/** More alternatives than these are no list that anybody wrote. */
const MAX_GLOBS = 64;

/**
 * @param expression in the syntax of Go's regexp
 * @returns globs that together fit exactly the names that the expression fits; undefined where
 * there are none, or they would be too many
 */
export function globsOfExpression(expression: string): readonly string[] | undefined {
  const globs = new GlobReader(expression).read();
  return globs === undefined || globs.length > MAX_GLOBS ? undefined : [...new Set(globs)];
}

/** What stands for one character, and as many as it likes. */
const QUANTIFIERS = ['*', '+', '?'] as const;
type Quantifier = (typeof QUANTIFIERS)[number] | '';

const ESCAPED_CLASSES: Readonly<Record<string, string>> = {
  d: '[0-9]',
  w: '[0-9A-Za-z_]',
};

/** Throws itself out of the descent: what it read has no glob. */
class NoGlob extends Error {}

class GlobReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly string[] | undefined {
    try {
      const globs = this.#alternatives(true);
      return this.#at === this.#text.length ? globs : undefined;
    } catch (error) {
      if (error instanceof NoGlob) return undefined;
      throw error;
    }
  }

  /** `a|b|c`, up to the end or the parenthesis that closes it. */
  #alternatives(isOutermost: boolean): readonly string[] {
    const all: string[] = [];
    do {
      all.push(...(isOutermost ? this.#anchored() : this.#sequence(false)));
      this.#limit(all);
    } while (this.#take('|'));
    return all;
  }

  #anchored(): readonly string[] {
    const isFromStart = this.#take('^');
    const globs = this.#sequence(true);
    const isToEnd = this.#take('$');
    // Several stars that are none of the name's own are one.
    return globs.map((glob) =>
      `${isFromStart ? '' : '*'}${glob}${isToEnd ? '' : '*'}`.replace(/(?<!\\)\*{2,}/g, '*'),
    );
  }

  /** @param isOutermost it ends at an anchor, or anywhere in a name */
  #sequence(isOutermost: boolean): readonly string[] {
    let globs: readonly string[] = [''];
    while (!this.#isAtEnd()) {
      const items = this.#item();
      const quantifier = this.#quantifier();
      // Where the name may go on, once or more is once, and any number is none.
      const isOpen =
        isOutermost && (this.#at === this.#text.length || this.#text[this.#at] === '|');
      const repeated = quantified(items, quantifier, isOpen);
      globs = this.#limit(globs.flatMap((glob) => repeated.map((each) => glob + each)));
    }
    return globs;
  }

  #isAtEnd(): boolean {
    return this.#at === this.#text.length || '|)$'.includes(this.#text[this.#at]!);
  }

  /** One character, a class of them or a group, each as globs. */
  #item(): readonly string[] {
    const char = this.#text[this.#at]!;
    this.#at += 1;
    if (char === '(') return this.#group();
    if (char === '[') return [this.#class()];
    if (char === '.') return ['?'];
    if (char === '\\') return [this.#escaped()];
    if ('^*+?{}]'.includes(char)) throw new NoGlob();
    return [globOf(char)];
  }

  #group(): readonly string[] {
    if (this.#take('?') && !this.#take(':')) throw new NoGlob();
    const globs = this.#alternatives(false);
    if (!this.#take(')')) throw new NoGlob();
    return globs;
  }

  #class(): string {
    const [whole] = /^\^?[-\w.]+\]/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) throw new NoGlob();
    this.#at += whole.length;
    return `[${whole}`;
  }

  #escaped(): string {
    const char = this.#text[this.#at];
    this.#at += 1;
    if (char === undefined) throw new NoGlob();
    const known = ESCAPED_CLASSES[char];
    if (known !== undefined) return known;
    if (/\w/.test(char)) throw new NoGlob();
    return globOf(char);
  }

  #quantifier(): Quantifier {
    const found = QUANTIFIERS.find((each) => this.#take(each)) ?? '';
    // Greedy or not is the same for a name as a whole; twice is not a quantifier.
    if (found !== '') this.#take('?');
    return found;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #limit(globs: readonly string[]): readonly string[] {
    if (globs.length > MAX_GLOBS) throw new NoGlob();
    return globs;
  }
}

/** @param isOpen anything may follow */
function quantified(
  items: readonly string[],
  quantifier: Quantifier,
  isOpen: boolean,
): readonly string[] {
  if (quantifier === '') return items;
  if (quantifier === '?') return ['', ...items];
  if (isOpen) return quantifier === '+' ? items : [''];
  const [item] = items;
  if (items.length > 1 || item !== '?') throw new NoGlob();
  return [quantifier === '+' ? '?*' : '*'];
}
