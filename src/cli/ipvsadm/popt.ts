/**
 * Splits a command line into options as the popt library does: short ones may be joined and carry
 * their value behind them or in the next word, long ones are written in full, `--` ends them. What
 * an option means is decided by options.ts.
 */

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** 'maybe' takes the next word unless that looks like an option */
  readonly value?: 'needed' | 'maybe';
}

export interface FoundOption<S extends OptionSpec> {
  readonly spec: S;
  readonly value?: string;
  /** the word it stood in, for messages: `-Lnt` */
  readonly word: string;
}

/** Where reading stopped: everything before has been found. */
export interface BadOption {
  readonly word: string;
  readonly problem: 'unknown option' | 'missing argument' | 'option does not take an argument';
}

export interface CommandLine<S extends OptionSpec> {
  readonly options: readonly FoundOption<S>[];
  /** words that are no options */
  readonly rest: readonly string[];
  readonly bad?: BadOption;
}

/** Options by name, made once for many command lines. */
export interface OptionIndex<S extends OptionSpec> {
  readonly byLong: ReadonlyMap<string, S>;
  readonly byShort: ReadonlyMap<string, S>;
}

export function optionIndex<S extends OptionSpec>(specs: readonly S[]): OptionIndex<S> {
  const shorts = specs.filter(({ short }) => short !== undefined);
  return {
    byLong: new Map(specs.map((spec) => [spec.long, spec])),
    byShort: new Map(shorts.map((spec) => [spec.short!, spec])),
  };
}

export function readCommandLine<S extends OptionSpec>(
  argv: readonly string[],
  index: OptionIndex<S>,
): CommandLine<S> {
  const options: FoundOption<S>[] = [];
  const rest: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      rest.push(...words);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word);
      continue;
    }
    const bad = word.startsWith('--')
      ? readLong(word, words, index, options)
      : readShort(word, words, index, options);
    if (bad !== undefined) return { options, rest, bad: { word, problem: bad } };
  }
  return { options, rest };
}

function readLong<S extends OptionSpec>(
  word: string,
  words: string[],
  index: OptionIndex<S>,
  options: FoundOption<S>[],
): BadOption['problem'] | undefined {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const spec = index.byLong.get(name);
  if (spec === undefined) return 'unknown option';
  return take(spec, word, equals < 0 ? undefined : word.slice(equals + 1), words, options);
}

function readShort<S extends OptionSpec>(
  word: string,
  words: string[],
  index: OptionIndex<S>,
  options: FoundOption<S>[],
): BadOption['problem'] | undefined {
  for (let at = 1; at < word.length; at++) {
    const spec = index.byShort.get(word[at]!);
    if (spec === undefined) return 'unknown option';
    const behind = word.slice(at + 1);
    if (spec.value !== undefined && behind !== '') {
      return take(spec, word, behind.startsWith('=') ? behind.slice(1) : behind, words, options);
    }
    const given = behind.startsWith('=') ? behind.slice(1) : undefined;
    const bad = take(spec, word, given, words, options);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

function take<S extends OptionSpec>(
  spec: S,
  word: string,
  given: string | undefined,
  words: string[],
  options: FoundOption<S>[],
): BadOption['problem'] | undefined {
  if (spec.value === undefined) {
    if (given !== undefined) return 'option does not take an argument';
    options.push({ spec, word });
    return undefined;
  }
  const isNextValue = words.length > 0 && !(spec.value === 'maybe' && words[0]!.startsWith('-'));
  const value = given ?? (isNextValue ? words.shift() : undefined);
  if (value === undefined && spec.value === 'needed') return 'missing argument';
  options.push({ spec, word, ...(value !== undefined && { value }) });
  return undefined;
}
