/**
 * Command lines as pflag, kube-proxy's flag library, reads them: `--flag=false`, `--flag value`,
 * `-v 2`, `-v=2`, `_` for `-`, values that begin with a dash, lists that add up. Types are checked
 * here, meaning in validate.ts. An own parser and not a library, since none of them reads all of
 * these forms and the table is ours anyway.
 */
import type { Problem } from '../model/problem.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Flag, type FlagType, QUANTITY } from './flag.ts';
import { suggestion } from './suggest.ts';

export interface VmodulePattern {
  readonly filePattern: string;
  readonly verbosity: number;
}

/** bool, int and float as such; durations and quantities as text; lists and maps as such. */
export type FlagValue =
  | boolean
  | number
  | string
  | readonly string[]
  | readonly VmodulePattern[]
  | Readonly<Record<string, boolean>>;

/** By the flag's full name; only flags that were given. */
export type FlagValues = ReadonlyMap<string, FlagValue>;

export interface ParsedFlags {
  readonly values: FlagValues;
  /** paths are the flags as they are spelled in the table: `--ipvs-sync-period` */
  readonly problems: readonly Problem[];
}

/** @param words what follows the program's and the command's name */
export function parseFlags(words: readonly string[], table: readonly Flag[]): ParsedFlags {
  return new FlagParser(words, table).parse();
}

class FlagParser {
  readonly #words: readonly string[];
  readonly #byName: ReadonlyMap<string, Flag>;
  readonly #byShorthand: ReadonlyMap<string, Flag>;
  readonly #values = new Map<string, FlagValue>();
  readonly #problems: Problem[] = [];
  #at = 0;

  constructor(words: readonly string[], table: readonly Flag[]) {
    this.#words = words;
    this.#byName = new Map(table.map((flag) => [flag.name, flag]));
    this.#byShorthand = new Map(
      table.flatMap((flag) => (flag.shorthand === undefined ? [] : [[flag.shorthand, flag]])),
    );
  }

  parse(): ParsedFlags {
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++]!;
      if (word === '--') {
        for (const rest of this.#words.slice(this.#at)) this.#refusePositional(rest);
        break;
      }
      if (word.startsWith('--')) this.#long(word.slice(2));
      else if (word.startsWith('-') && word !== '-') this.#short(word.slice(1));
      else this.#refusePositional(word);
    }
    return { values: this.#values, problems: this.#problems };
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const typed = equals < 0 ? text : text.slice(0, equals);
    const name = typed.replaceAll('_', '-');
    const flag = this.#byName.get(name);
    if (flag) return this.#assign(flag, equals < 0 ? undefined : text.slice(equals + 1));
    const hint = suggestion(name, [...this.#byName.keys()], '--');
    this.#problem(`--${typed}`, undefined, `unknown flag${hint}; --help lists all`);
    if (equals < 0) this.#skipValue();
  }

  /** `-v`, `-v=2`, `-v2`, `-v 2`, `-hv2`. */
  #short(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const flag = this.#byShorthand.get(text[i]!);
      if (!flag) return this.#refuseShort(text, text[i]!);
      const rest = text.slice(i + 1);
      if (rest.startsWith('=')) return this.#assign(flag, rest.slice(1));
      if (rest !== '' && !isValueOptional(flag.type)) return this.#assign(flag, rest);
      this.#assign(flag, undefined);
    }
  }

  #refuseShort(text: string, letter: string): void {
    const name = text.replace(/=.*/s, '').replaceAll('_', '-');
    const hint = this.#byName.has(name)
      ? ` (did you mean --${name}?)`
      : suggestion(name, [...this.#byName.keys()], '--');
    this.#problem(
      `-${text}`,
      undefined,
      `unknown short flag -${letter}${name.length > 1 ? hint : ''}; --help lists all`,
    );
    if (!text.includes('=')) this.#skipValue();
  }

  /**
   * What follows an unknown flag is most likely its value; a second complaint about it would only
   * confuse.
   */
  #skipValue(): void {
    if (this.#at < this.#words.length && !this.#words[this.#at]!.startsWith('-')) this.#at++;
  }

  #refusePositional(word: string): void {
    this.#problem(
      'arguments',
      word,
      'unexpected argument: only flags are taken here, and a switch takes its value with "=" (--flag=false)',
    );
  }

  #assign(flag: Flag, attached: string | undefined): void {
    const text = attached ?? (isValueOptional(flag.type) ? 'true' : this.#words[this.#at++]);
    if (text === undefined) {
      return this.#problem(`--${flag.name}`, undefined, `needs a value (${flag.type})`);
    }
    const read = READERS[flag.type](text, this.#values.get(flag.name));
    if (read === undefined) {
      return this.#problem(`--${flag.name}`, text, EXPECTED[flag.type]);
    }
    this.#values.set(flag.name, read);
    if (flag.type === 'paths') this.#morePaths(flag, read as readonly string[]);
  }

  /** `--manifests a.yaml b.yaml`, as a shell makes it of `*.yaml`. */
  #morePaths(flag: Flag, paths: readonly string[]): void {
    const from = this.#at;
    while (this.#at < this.#words.length && !this.#words[this.#at]!.startsWith('-')) this.#at++;
    this.#values.set(flag.name, [...paths, ...this.#words.slice(from, this.#at)]);
  }

  #problem(path: string, value: unknown, problem: string): void {
    this.#problems.push({ path, value, problem });
  }
}

function isValueOptional(type: FlagType): boolean {
  return type === 'bool' || type === 'version';
}

const EXPECTED: Readonly<Record<FlagType, string>> = {
  bool: 'must be true or false',
  string: 'must be text',
  int: 'must be a whole number of 32 bits',
  float: 'must be a number',
  duration: 'must be a duration such as 30s or 1h15m',
  quantity: 'must be a quantity such as 64Ki',
  list: 'must be a list separated by commas',
  boolMap: 'must be NAME=true or NAME=false, several separated by commas',
  vmodule: 'must be PATTERN=N, several separated by commas',
  paths: 'must be the path of a file or folder',
  version: 'must be true, false, raw or a version such as v1.2.3',
};

type Reader = (text: string, before: FlagValue | undefined) => FlagValue | undefined;

const READERS: Readonly<Record<FlagType, Reader>> = {
  bool: readBool,
  string: (text) => text,
  int: readInt,
  float: (text) =>
    /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined,
  duration: (text) => {
    const ms = parseDuration(text);
    return ms === undefined ? undefined : formatDuration(ms);
  },
  quantity: (text) => (QUANTITY.test(text) ? text : undefined),
  list: (text, before = []) => [...(before as string[]), ...(text === '' ? [] : text.split(','))],
  boolMap: readBoolMap,
  vmodule: readVmodule,
  paths: (text, before = []) => (text === '' ? undefined : [...(before as string[]), text]),
  version: (text) => (/^(true|false|raw|v\d.*)$/.test(text) ? text : undefined),
};

/** The spellings of Go's strconv.ParseBool. */
function readBool(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

function readInt(text: string): number | undefined {
  if (!/^[+-]?(\d+|0[xX][\da-fA-F]+)$/.test(text)) return undefined;
  const size = Number(text.replace(/^[+-]/, ''));
  const value = text.startsWith('-') ? -size : size;
  return value >= -(2 ** 31) && value < 2 ** 31 ? value + 0 : undefined;
}

function readBoolMap(text: string, before: FlagValue | undefined): FlagValue | undefined {
  const map: Record<string, boolean> = { ...(before as Record<string, boolean> | undefined) };
  for (const item of text.split(',').filter((part) => part.trim() !== '')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(item) ?? [];
    const isOn = value === undefined ? undefined : readBool(value);
    if (isOn === undefined) return undefined;
    map[name!] = isOn;
  }
  return map;
}

function readVmodule(text: string, before: FlagValue | undefined): FlagValue | undefined {
  const patterns = [...((before as VmodulePattern[] | undefined) ?? [])];
  for (const item of text.split(',').filter((part) => part !== '')) {
    const match = /^([^=]+)=(\d{1,9})$/.exec(item);
    if (match === null) return undefined;
    patterns.push({ filePattern: match[1]!, verbosity: Number(match[2]) });
  }
  return patterns;
}
