/** Commands that take words as well as flags let them come in any order. */
import type { Flag } from '../config/flag.ts';

export interface WordsAndFlags {
  /** in their order; `-` alone, which means standard input, is one */
  readonly words: readonly string[];
  /** flags, each with its value behind it where that is a word of its own */
  readonly flagWords: readonly string[];
}

/** @param flags those of the command: they say which of them take a value, `-o` too */
export function apart(typed: readonly string[], flags: readonly Flag[]): WordsAndFlags {
  const words: string[] = [];
  const flagWords: string[] = [];
  const valued = new Set(
    flags
      .filter(({ type }) => type !== 'bool')
      .flatMap(({ name, shorthand }) => [`--${name}`, ...(shorthand ? [`-${shorthand}`] : [])]),
  );
  let isValue = false;
  for (const word of typed) {
    if (isValue || (word.startsWith('-') && word !== '-')) flagWords.push(word);
    else words.push(word);
    isValue = !isValue && valued.has(word);
  }
  return { words, flagWords };
}
