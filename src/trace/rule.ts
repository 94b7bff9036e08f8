/**
 * Rules as `iptables-save` prints them, parsed for the packet tracer. A word it does not know is an
 * error, never a guess.
 */

/** Of `--match-set NAME src,dst`: whose address or port each part of an entry is compared with. */
export type Directions = readonly ('src' | 'dst')[];

export type Match =
  | { readonly kind: 'source'; readonly prefix: string; readonly isNegated: boolean }
  | { readonly kind: 'inInterface'; readonly name: string; readonly isNegated: boolean }
  | { readonly kind: 'protocol'; readonly protocol: string; readonly isNegated: boolean }
  | {
      readonly kind: 'set';
      readonly set: string;
      readonly dirs: Directions;
      readonly isNegated: boolean;
    }
  | {
      readonly kind: 'mark';
      readonly value: number;
      readonly mask: number;
      readonly isNegated: boolean;
    }
  | { readonly kind: 'local'; readonly side: 'src' | 'dst'; readonly isNegated: boolean }
  | { readonly kind: 'state'; readonly states: readonly string[]; readonly isNegated: boolean };

export interface Rule {
  readonly text: string;
  readonly matches: readonly Match[];
  readonly target: string;
  /** of a MARK rule: `--set-xmark value/mask` */
  readonly xmark?: { readonly value: number; readonly mask: number };
}

export function parseRule(text: string): Rule {
  const words = Array.from(
    text.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g),
    ([, quoted, plain]) => quoted ?? plain!,
  );
  const take = () => {
    const word = words.shift();
    if (word === undefined) throw new Error(`the rule ends too early: ${text}`);
    return word;
  };
  const matches: Match[] = [];
  let isNegated = false;
  take();
  take();
  for (let word = take(); word !== '-j'; word = take()) {
    if (word === '!') {
      isNegated = true;
      continue;
    }
    const match = parseMatch(word, take, isNegated, text);
    if (match !== 'loads a module') {
      if (match !== 'says nothing') matches.push(match);
      isNegated = false;
    }
  }
  const target = take();
  const xmark = target === 'MARK' ? { xmark: parseXmark(words) } : {};
  return { text, matches, target, ...xmark };
}

function parseMatch(
  word: string,
  take: () => string,
  isNegated: boolean,
  rule: string,
): Match | 'loads a module' | 'says nothing' {
  switch (word) {
    case '-m':
      take();
      return 'loads a module';
    case '--comment':
      take();
      return 'says nothing';
    case '-s':
      return { kind: 'source', prefix: take(), isNegated };
    case '-i':
      return { kind: 'inInterface', name: take(), isNegated };
    case '-p':
      return { kind: 'protocol', protocol: take().toUpperCase(), isNegated };
    case '--match-set':
      return { kind: 'set', set: take(), dirs: take().split(',') as Directions, isNegated };
    case '--mark':
      return { kind: 'mark', ...valueAndMask(take()), isNegated };
    case '--src-type':
    case '--dst-type':
      if (take() !== 'LOCAL') throw new Error(`only the address type LOCAL is known: ${rule}`);
      return { kind: 'local', side: word === '--src-type' ? 'src' : 'dst', isNegated };
    case '--ctstate':
      return { kind: 'state', states: take().split(','), isNegated };
    default:
      throw new Error(`the tracer does not know ${word}: ${rule}`);
  }
}

function parseXmark(words: readonly string[]): { value: number; mask: number } {
  if (words[0] !== '--set-xmark')
    throw new Error(`the tracer does not know MARK ${words.join(' ')}`);
  return valueAndMask(words[1]!);
}

function valueAndMask(text: string): { value: number; mask: number } {
  const [value, mask] = text.split('/');
  return { value: Number(value), mask: Number(mask) };
}
