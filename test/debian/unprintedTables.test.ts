/**
 * Tables into which somebody put something with `nft` that has no iptables form: iptables-nft-save
 * leaves them out and ends with success. On the machine's own kernel, in network namespaces of its
 * own: User-Mode Linux has no nf_tables.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { IptablesClient, type WriteOperation } from '../../src/kernel/iptables.ts';
import { hasDesiredRules } from '../../src/plan/ruleDifference.ts';
import { askPrograms } from '../../src/kernel/tablesInUse.ts';
import { requireNftables } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { runnerIn } from '../support/lab/namespaceRunner.ts';

const describe = await requireNftables();

const ours = { nat: ['KUBE-SERVICES'], filter: ['KUBE-FORWARD', 'KUBE-PROXY-FIREWALL'] };
const comment = (text: string) => `-m comment --comment "${text}"`;
const nat = new Map([
  ['KUBE-SERVICES', ['-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN']],
  ['PREROUTING', [`-A PREROUTING ${comment('kubernetes service portals')} -j KUBE-SERVICES`]],
]);
const filter = new Map([
  ['KUBE-FORWARD', [`-A KUBE-FORWARD ${comment('kubernetes forwarding rules')} -j ACCEPT`]],
  ['KUBE-PROXY-FIREWALL', []],
  ['INPUT', [`-A INPUT ${comment('kube-proxy firewall rules')} -j KUBE-PROXY-FIREWALL`]],
  [
    'FORWARD',
    [
      `-A FORWARD ${comment('kube-proxy firewall rules')} -j KUBE-PROXY-FIREWALL`,
      `-A FORWARD ${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`,
    ],
  ],
]);
const writes: WriteOperation[] = [
  { op: 'writeRules', family: 'IPv4', table: 'nat', chains: nat },
  { op: 'writeRules', family: 'IPv4', table: 'filter', chains: filter },
];

describe('with native nft rules in our tables', () => {
  let namespace: Namespace;
  let port: IptablesClient;
  beforeEach(async () => {
    namespace = await freshNamespace();
    await namespace.run('iptables-nft', '-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT');
    port = newPort();
  });
  afterEach(() => namespace.remove());

  const newPort = () =>
    new IptablesClient(ours, { run: runnerIn(namespace), tablesInUse: askPrograms });
  const nft = (...argv: string[]) => namespace.run('nft', ...argv);
  const makeNative = async () => {
    await namespace.run(
      'iptables-nft',
      '-t',
      'nat',
      '-A',
      'PREROUTING',
      '-p',
      'udp',
      '-j',
      'ACCEPT',
    );
    await namespace.run('iptables-nft', '-A', 'INPUT', '-p', 'udp', '-j', 'ACCEPT');
    await nft(
      'add',
      'rule',
      'ip',
      'filter',
      'INPUT',
      'ct state vmap { established : accept, invalid : drop }',
    );
    await nft('add', 'set', 'ip', 'nat', 'mine', '{ type ipv4_addr; }');
    await nft('add', 'rule', 'ip', 'nat', 'PREROUTING', 'ip saddr @mine accept');
  };
  /** One audit as the loop makes it. @returns how many tables were written */
  const audit = async () => {
    const { IPv4, unknown } = await port.read();
    expect(unknown.size).toBe(0);
    const needed = writes.filter(({ table, chains }) => !hasDesiredRules(chains, IPv4[table]!));
    const { outcomes } = await port.apply(needed);
    expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual([]);
    return needed.length;
  };
  const jumpsTo = async (chain: string) =>
    (await nft('list', 'ruleset')).split(`jump ${chain}`).length - 1;

  test('iptables-save says so and ends with success', async () => {
    await makeNative();
    const { stdout, stderr } = await runnerIn(namespace)(['iptables-nft-save']);
    expect(stdout + stderr).toMatch(/table .filter. is incompatible/i);
    expect(stdout).not.toContain('*filter');
  });

  test('rules are written at the start, and no audit writes them again', async () => {
    await makeNative();
    expect(await audit()).toBe(2);
    for (let i = 0; i < 3; i++) expect(await audit()).toBe(0);
    expect(await jumpsTo('KUBE-SERVICES')).toBe(1);
    expect(await jumpsTo('KUBE-PROXY-FIREWALL')).toBe(2);
    expect(await nft('list', 'ruleset')).toContain('ct state vmap');
  });

  test('that come while we run change nothing, and damage is still repaired', async () => {
    expect(await audit()).toBe(2);
    await makeNative();
    expect(await audit()).toBe(0);
    await namespace.run('iptables-nft', '-F', 'KUBE-FORWARD');
    expect(await audit()).toBe(1);
    await namespace.run('iptables-nft', '-t', 'nat', '-D', 'PREROUTING', '1');
    expect(await audit()).toBe(1);
    expect(await audit()).toBe(0);
    expect(await jumpsTo('KUBE-SERVICES')).toBe(1);
  });

  test('the next process adds no second jump', async () => {
    await makeNative();
    await audit();
    port = newPort();
    await audit();
    expect(await audit()).toBe(0);
    expect(await jumpsTo('KUBE-SERVICES')).toBe(1);
    expect(await jumpsTo('KUBE-FORWARD')).toBe(1);
  });

  test('the variant is found by a trial though its table cannot be printed', async () => {
    await namespace.run('iptables-nft', '-t', 'mangle', '-X', 'KUBE-IPTABLES-HINT');
    await makeNative();
    expect(await audit()).toBe(2);
    expect(port.variant).toBe('nft');
  });

  test('a native rule in a chain of ours goes', async () => {
    await audit();
    await nft('insert', 'rule', 'ip', 'filter', 'KUBE-FORWARD', 'ct state vmap { invalid : drop }');
    expect(await audit()).toBe(1);
    expect(await audit()).toBe(0);
    expect(await nft('list', 'chain', 'ip', 'filter', 'KUBE-FORWARD')).not.toContain('vmap');
  });
});
