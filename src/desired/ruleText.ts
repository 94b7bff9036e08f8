/**
 * How a rule is written: the exact text that `iptables-save` prints for it (checked against
 * iptables 1.8.9, both backends), so that the rules in the kernel can be compared as strings.
 * Order: source and interface, protocol, then matches as given.
 */
import type { Family } from '../net/family.ts';
import { type SetName, setDefinition } from './ipsets.ts';
import { type KubeSetName, setName } from '../dataplane/setNames.ts';

export interface RuleWriter {
  /** `matches` may be empty; `target` with its options */
  readonly rule: (matches: string, target: string) => string;
  /** one set match: `-m set --match-set NAME dst,dst` */
  readonly set: (name: KubeSetName, dirs: string, negation?: '!') => string;
}

/** For rules on the Services' own sets. */
export interface ServiceRuleWriter extends Pick<RuleWriter, 'rule'> {
  readonly set: (name: SetName, dirs: string, negation?: '!') => string;
  /**
   * a rule on one set with the set's comment; `before` and `after` are further matches around it
   */
  readonly commented: (
    name: SetName,
    dirs: string,
    target: string,
    around?: { readonly before?: string; readonly after?: string },
  ) => string;
}

export function ruleWriter(chain: string, family: Family): RuleWriter {
  const rule = (matches: string, target: string) =>
    ['-A', chain, matches, '-j', target].filter((part) => part !== '').join(' ');
  const set = (name: KubeSetName, dirs: string, negation?: '!') =>
    `-m set ${negation === undefined ? '' : '! '}--match-set ${setName(name, family)} ${dirs}`;
  return { rule, set };
}

export function serviceRuleWriter(chain: string, family: Family): ServiceRuleWriter {
  const { rule, set } = ruleWriter(chain, family);
  return {
    rule,
    set,
    commented(name, dirs, target, { before = '', after = '' } = {}) {
      const matches = [before, commentMatch(setDefinition(name).comment), set(name, dirs), after];
      return rule(matches.filter((part) => part !== '').join(' '), target);
    },
  };
}

/** `-m comment --comment "…"`, quotes inside escaped as iptables-save does. */
export function commentMatch(text: string): string {
  return `-m comment --comment "${text.replaceAll(/["'\\]/g, String.raw`\$&`)}"`;
}

/** A jump from a built-in chain into one of ours. */
export function jumpRule(from: string, comment: string, to: string): string {
  return `-A ${from} ${commentMatch(comment)} -j ${to}`;
}

/** `0x4000` for bit 14. */
export function hexMark(bit: number): string {
  return `0x${(2 ** bit).toString(16)}`;
}
