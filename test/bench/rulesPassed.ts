/**
 * How many rules of iptables packets were held against, from its counters before and after. A rule
 * counts only what it matched; what it was asked for is what came into its chain and had not left
 * it before. Pure.
 */

interface Rule {
  readonly packets: number;
  /** undefined: it counts and lets pass */
  readonly target: string | undefined;
}

interface Chain {
  /** of a built-in chain: what reached its end */
  readonly policy: number | undefined;
  readonly rules: readonly Rule[];
}

type Table = ReadonlyMap<string, Chain>;

/** A packet goes no further in the table. */
const VERDICTS = ['ACCEPT', 'DROP', 'REJECT', 'DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT', 'QUEUE'];

/**
 * @param before and after: what `iptables-save -c` printed; nothing but the packets of interest may
 *   have come between
 * @returns rules of all tables and packets together
 * @throws when rules were changed between
 */
export function rulesPassed(before: string, after: string): number {
  const [old, now] = [parse(before), parse(after)];
  let sum = 0;
  for (const [name, table] of now) sum += new Walk(grown(name, table, old.get(name))).passed();
  return sum;
}

/** Packets of one table on their way through its chains. */
class Walk {
  readonly #table: Table;
  #passed = 0;
  /** of the packets that came into a chain, those that came out at its end or by RETURN */
  readonly #returned = new Map<string, number>();

  constructor(table: Table) {
    this.#table = table;
  }

  passed(): number {
    for (const [name, { policy }] of this.#table)
      if (policy !== undefined) this.#shareReturned(name);
    return this.#passed;
  }

  /** 0 to 1; walks the chain, once. */
  #shareReturned(name: string): number {
    const known = this.#returned.get(name);
    if (known !== undefined) return known;
    const { rules } = this.#table.get(name)!;
    const entered = this.#entered(name);
    let rest = entered;
    let returned = 0;
    for (const rule of rules) {
      this.#passed += rest;
      if (rule.target === 'RETURN') returned += rule.packets;
      rest -= rule.target === 'RETURN' ? rule.packets : this.#left(rule);
    }
    const share = entered === 0 ? 1 : (returned + rest) / entered;
    this.#returned.set(name, share);
    return share;
  }

  #entered(name: string): number {
    const { policy, rules } = this.#table.get(name)!;
    if (policy !== undefined) return rules.reduce((sum, rule) => sum + this.#left(rule), policy);
    return [...this.#table.values()]
      .flatMap((chain) => chain.rules)
      .reduce((sum, { target, packets }) => sum + (target === name ? packets : 0), 0);
  }

  /** Packets whose way through the table ended with a rule, or in the chain that it jumps to. */
  #left({ target, packets }: Rule): number {
    if (target === undefined) return 0;
    if (VERDICTS.includes(target)) return packets;
    // Where several rules jump to one chain that not all packets return from: in proportion.
    return this.#table.has(target) ? packets * (1 - this.#shareReturned(target)) : 0;
  }
}

function grown(name: string, now: Table, before: Table | undefined): Table {
  return new Map(
    [...now].map(([chain, { policy, rules }]) => {
      const old = before?.get(chain);
      if (old?.rules.length !== rules.length)
        throw new Error(`${name} ${chain}: its rules were changed while packets were counted`);
      return [
        chain,
        {
          policy: policy === undefined ? undefined : policy - (old.policy ?? 0),
          rules: rules.map(({ packets, target }, i) => ({
            packets: packets - old.rules[i]!.packets,
            target,
          })),
        },
      ];
    }),
  );
}

/** Tables by name. */
function parse(text: string): ReadonlyMap<string, Table> {
  const tables = new Map<string, Map<string, { policy: number | undefined; rules: Rule[] }>>();
  let table: Map<string, { policy: number | undefined; rules: Rule[] }> | undefined;
  for (const line of text.split('\n')) {
    const [, name] = /^\*(\S+)/.exec(line) ?? [];
    if (name !== undefined) tables.set(name, (table = new Map()));
    const [, chain, policy, reached] = /^:(\S+) (\S+) \[(\d+):/.exec(line) ?? [];
    if (chain !== undefined)
      table?.set(chain, { policy: policy === '-' ? undefined : Number(reached), rules: [] });
    const [, packets, of, rest = ''] = /^\[(\d+):\d+\] -A (\S+)(.*)$/.exec(line) ?? [];
    if (of === undefined) continue;
    const [, target] = / -[jg] (\S+)/.exec(rest.replace(/--comment (?:"[^"]*"|\S+)/, '')) ?? [];
    table?.get(of)?.rules.push({ packets: Number(packets), target });
  }
  return tables;
}
