/** What iptables does not print, or prints in other words. Recorded texts: iptables-nft 1.8.9. */
import { describe, expect, test } from '@jest/globals';
import { rulesPart } from '../../../src/dataplane/part.ts';
import { ExecError } from '../../../src/kernel/errors.ts';
import type { Argv, Runner } from '../../../src/kernel/exec.ts';
import { IptablesClient } from '../../../src/kernel/iptables.ts';
import type { IptablesTools } from '../../../src/kernel/iptablesBackend.ts';
import { askPrograms } from '../../../src/kernel/tablesInUse.ts';
import { hasDesiredRules } from '../../../src/plan/ruleDifference.ts';

const ours = { nat: ['KUBE-SERVICES', 'KUBE-POSTROUTING'], filter: ['KUBE-FORWARD'] };

const tools: IptablesTools = {
  version: '1.8.9',
  hasRandomFully: true,
  families: ['IPv4', 'IPv6'],
  variants: ['nft', 'legacy'],
  surveyed: undefined,
};

const hint = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';

/** A table as iptables-nft has it: printed whole, or not at all while something native is in it. */
class NftTable {
  readonly chains = new Map<string, string[]>([['INPUT', []]]);
  isNative = false;
  /** how a rule is printed */
  words = (rule: string) => rule;
  writes = 0;

  readonly run: Runner = async (argv, { stdin = '' } = {}) => {
    if (argv[0].startsWith('ip6')) return { stdout: '', stderr: '' };
    if (argv[0].endsWith('-restore')) this.#restore(stdin);
    const stdout = argv[0].endsWith('-save') ? this.#save() : this.#ask(argv);
    return { stdout, stderr: '' };
  };

  #save(): string {
    if (this.isNative) return `${hint}# Table \`filter' is incompatible, use 'nft' tool.\n`;
    const chains = [...this.chains].map(([name]) => `:${name} - [0:0]`);
    return [hint, '*filter', ...chains, ...this.#printed(), 'COMMIT', ''].join('\n');
  }

  #printed(): string[] {
    return [...this.chains.values()].flat().map((rule) => this.words(rule));
  }

  #ask(argv: Argv): string {
    const refuse = (stderr: string) => new ExecError({ argv, exitCode: 1, stderr });
    const listed = argv[argv.indexOf('-S') + 1]!;
    if (argv.includes('-S')) {
      const rules = this.chains.get(listed);
      if (rules === undefined) throw refuse('iptables: No chain/target/match by that name.');
      if (this.isNative && listed === 'INPUT')
        throw refuse("chain `INPUT' in table `filter' is incompatible, use 'nft' tool.");
      return [`-N ${listed}`, ...rules].join('\n');
    }
    const at = argv.indexOf('-C');
    if (at < 0) return '';
    const rule = argv.slice(at + 1).join(' ');
    if (!this.chains.get('INPUT')!.includes(`-A ${rule}`)) throw refuse('iptables: Bad rule');
    return '';
  }

  #restore(stdin: string): void {
    this.writes++;
    for (const line of stdin.split('\n')) {
      const [declared] = /(?<=^:)\S+/.exec(line) ?? [];
      if (declared !== undefined) this.chains.set(declared, []);
      const [, command, chain, rest] = /^-([AID]) (\S+) (.*)/.exec(line) ?? [];
      const rules = this.chains.get(chain ?? '') ?? [];
      if (command === 'A') rules.push(line);
      if (command === 'I') rules.unshift(`-A ${chain} ${rest!.replace(/^\d+ /, '')}`);
      if (command === 'D')
        rules.splice(
          rules.findIndex((rule) => rule === `-A ${chain} ${rest}`),
          1,
        );
    }
  }
}

describe('a table that iptables cannot print', () => {
  const chains = new Map([
    ['KUBE-FORWARD', ['-A KUBE-FORWARD -j RETURN']],
    ['INPUT', ['-A INPUT -m comment --comment x -j KUBE-FORWARD']],
  ]);
  const write = { op: 'writeRules', family: 'IPv4', table: 'filter', chains } as const;
  const portOf = (table: NftTable) =>
    new IptablesClient(ours, { run: table.run, tablesInUse: askPrograms, tools });
  const isRight = async (port: IptablesClient) =>
    hasDesiredRules(chains, (await port.read()).IPv4.filter);

  test('that we had written is known as it is, and damage in it is repaired, without a second jump', async () => {
    const table = new NftTable();
    const port = portOf(table);
    await port.read();
    await port.apply([write]);
    table.isNative = true;
    expect(await isRight(port)).toBe(true);
    table.chains.get('KUBE-FORWARD')!.length = 0;
    expect(await isRight(port)).toBe(false);
    await port.apply([write]);
    expect(await isRight(port)).toBe(true);
    expect(table.chains.get('INPUT')).toHaveLength(1);
    table.chains.get('INPUT')!.length = 0;
    expect(await isRight(port)).toBe(false);
    await port.apply([write]);
    expect(table.chains).toEqual(new Map([...chains].toReversed()));
  });

  test.each([true, false])(
    'is written at the start, its jumps once; ours are there: %j',
    async (hasOurs) => {
      const table = new NftTable();
      if (hasOurs) for (const [chain, rules] of chains) table.chains.set(chain, [...rules]);
      table.isNative = true;
      const port = portOf(table);
      expect(await isRight(port)).toBe(false);
      expect((await port.apply([write])).outcomes).toEqual([undefined]);
      expect(await isRight(port)).toBe(true);
      expect(await isRight(port)).toBe(true);
      expect(table.writes).toBe(1);
      expect(table.chains.get('INPUT')).toEqual(chains.get('INPUT'));
    },
  );
});

describe('an iptables that prints a rule in other words than it was given', () => {
  const chains = new Map([
    ['KUBE-FORWARD', ['-A KUBE-FORWARD -m mark --mark 0x4000 -j ACCEPT']],
    ['INPUT', ['-A INPUT -m comment --comment x -j KUBE-FORWARD']],
  ]);
  const write = { op: 'writeRules', family: 'IPv4', table: 'filter', chains } as const;
  const start = async () => {
    const table = new NftTable();
    table.words = (rule) => rule.replace('0x4000', '16384').replace('x -j', 'x -c 0 0 -j');
    const port = new IptablesClient(ours, { run: table.run, tablesInUse: askPrograms, tools });
    await port.read();
    await port.apply([write]);
    return { table, port };
  };

  test('is believed after two writes, with a doubt that names the rule', async () => {
    const { table, port } = await start();
    expect(hasDesiredRules(chains, (await port.read()).IPv4.filter)).toBe(false);
    await port.apply([write]);
    expect(table.chains.get('INPUT')).toHaveLength(1);
    const { IPv4, unconfirmed, unknown } = await port.read();
    expect(hasDesiredRules(chains, IPv4.filter)).toBe(true);
    expect(unknown.size).toBe(0);
    expect(unconfirmed.get(rulesPart('IPv4', 'filter'))?.message).toContain(
      'not found when read back: -A KUBE-FORWARD -m mark --mark 0x4000 -j ACCEPT',
    );
  });

  test('is written again when somebody changes the table, and still has one jump', async () => {
    const { table, port } = await start();
    table.chains.get('KUBE-FORWARD')!.length = 0;
    expect(hasDesiredRules(chains, (await port.read()).IPv4.filter)).toBe(false);
    table.words = (rule) => rule;
    await port.apply([write]);
    const { IPv4, unconfirmed } = await port.read();
    expect(hasDesiredRules(chains, IPv4.filter)).toBe(true);
    expect(unconfirmed.size).toBe(0);
    expect(table.chains.get('INPUT')).toHaveLength(1);
  });
});

test('rules that are flushed before they are read back are written again', async () => {
  const chains = new Map([
    ['KUBE-FORWARD', ['-A KUBE-FORWARD -m mark --mark 0x4000 -j ACCEPT']],
    ['INPUT', ['-A INPUT -m comment --comment x -j KUBE-FORWARD']],
  ]);
  const write = { op: 'writeRules', family: 'IPv4', table: 'filter', chains } as const;
  const table = new NftTable();
  const flushed = Promise.withResolvers<void>();
  let isFlushing = false;
  const run: Runner = async (argv, options) => {
    if (isFlushing && argv[0] === 'iptables-nft-save') await flushed.promise;
    return table.run(argv, options);
  };
  const port = new IptablesClient(ours, { run, tablesInUse: askPrograms, tools });
  await port.read();
  // Nobody waits for the reading after a write, which takes seconds where processes are slow.
  isFlushing = true;
  await port.apply([write]);
  for (const rules of table.chains.values()) rules.length = 0;
  isFlushing = false;
  flushed.resolve();
  expect(hasDesiredRules(chains, (await port.read()).IPv4.filter)).toBe(false);
  await port.apply([write]);
  const { IPv4, unconfirmed } = await port.read();
  expect(hasDesiredRules(chains, IPv4.filter)).toBe(true);
  expect(unconfirmed.size).toBe(0);
  expect(table.chains.get('INPUT')).toEqual(chains.get('INPUT'));
});

test('what was read while rules were written is no ground for the next write', async () => {
  const chains = new Map([['INPUT', ['-A INPUT -m comment --comment x -j KUBE-FORWARD']]]);
  const write = { op: 'writeRules', family: 'IPv4', table: 'filter', chains } as const;
  const table = new NftTable();
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  const run: Runner = async (argv, options) => {
    const answer = await table.run(argv, options);
    const isSlow = isHeld && argv[0] === 'ip6tables-nft-save';
    if (isSlow) await held.promise;
    return answer;
  };
  const port = new IptablesClient(ours, { run, tablesInUse: askPrograms, tools });
  await port.read();
  await port.apply([]);
  isHeld = true;
  const audit = port.read();
  await new Promise((turn) => setImmediate(turn));
  await port.apply([write]);
  held.resolve();
  await audit;
  isHeld = false;
  await port.apply([write]);
  expect(table.chains.get('INPUT')).toEqual(chains.get('INPUT'));
});
