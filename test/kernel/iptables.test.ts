/** The whole rule set in a real kernel, in each variant that works here. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildDesired } from '../../src/desired/builder.ts';
import { tablesIn } from '../../src/dataplane/tables.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { namesOf } from '../../src/kernel/dataplane.ts';
import { IptablesClient, type WriteOperation } from '../../src/kernel/iptables.ts';
import { run as runHere } from '../../src/kernel/exec.ts';
import { findTools } from '../../src/kernel/iptablesBackend.ts';
import type { IptablesVariant } from '../../src/kernel/iptablesPrograms.ts';
import { survey, writableVariant } from '../../src/kernel/iptablesSurvey.ts';
import { checkWords } from '../../src/kernel/iptablesReader.ts';
import { askPrograms, tablesInUse } from '../../src/kernel/tablesInUse.ts';
import { FAMILIES } from '../../src/net/family.ts';
import { hasDesiredRules } from '../../src/plan/ruleDifference.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { ipsetPortIn, runnerIn } from '../support/lab/namespaceRunner.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';

const describe = await requireNamespaces();

const { state: desired } = buildDesired(new ClusterStore(), hostNetwork(), dataplaneOptions());
const { chains: ours } = namesOf(desired);
const everything: WriteOperation[] = FAMILIES.flatMap((family) =>
  tablesIn(desired.iptables[family]).map(([table, chains]) => {
    return { op: 'writeRules', family, table, chains };
  }),
);

const lookIn = (namespace: Namespace) => ({
  run: runnerIn(namespace),
  tablesInUse: askPrograms,
});

async function workingVariants(): Promise<readonly IptablesVariant[]> {
  const namespace = await freshNamespace();
  const look = lookIn(namespace);
  const { readable } = await survey(look, await findTools(look));
  const first = await writableVariant(look.run, readable);
  await namespace.remove();
  return readable.slice(readable.indexOf(first));
}

const variants = await workingVariants();

describe.each(variants)('with %s', (variant) => {
  let namespace: Namespace;
  let port: IptablesClient;

  beforeEach(async () => {
    namespace = await freshNamespace();
    const sets = ipsetPortIn(namespace).port;
    const creations = [...desired.ipsets.values()].map((set) => {
      return { op: 'createSet', set } as const;
    });
    await sets.apply(creations);
    await sets.close();
    // what kubelet leaves, so that this variant is the node's
    await namespace.run(`iptables-${variant}`, '-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT');
    port = new IptablesClient(ours, lookIn(namespace));
  });

  afterEach(async () => namespace.remove());

  const write = async (run = everything) => {
    const { outcomes } = await port.apply(run);
    return outcomes.filter((outcome) => outcome !== undefined).map(({ message }) => message);
  };
  const isAsDesired = async () => {
    const actual = await port.read();
    return everything.every(({ family, table, chains }) =>
      hasDesiredRules(chains, actual[family][table]!),
    );
  };
  const iptables = (...argv: string[]) => namespace.run(`iptables-${variant}`, ...argv);
  const save = async () =>
    (await namespace.run(`iptables-${variant}-save`))
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, '');

  test('the variant that has traces is used, and reading changes nothing', async () => {
    const before = await save();
    const { IPv4 } = await port.read();
    expect(port.variant).toBe(variant);
    expect(IPv4).toEqual({ nat: new Map(), filter: new Map() });
    expect(await save()).toBe(before);
  });

  test('what was written is read back rule for rule, jumps in order; writing again changes nothing', async () => {
    expect(await isAsDesired()).toBe(false);
    expect(await write()).toEqual([]);
    expect(await isAsDesired()).toBe(true);
    const { IPv4, IPv6 } = await port.read();
    for (const [table] of tablesIn(ours)) {
      expect(IPv4[table]).toEqual(desired.iptables.IPv4[table]);
      expect(IPv6[table]).toEqual(desired.iptables.IPv6[table]);
    }
    const once = await save();
    expect(await write()).toEqual([]);
    expect(await save()).toBe(once);
  });

  test('damage is repaired, and rules and chains of others stay where they are', async () => {
    await write();
    await iptables('-t', 'nat', '-N', 'CNI-HOSTPORT');
    await iptables('-t', 'nat', '-A', 'CNI-HOSTPORT', '-j', 'RETURN');
    await iptables('-t', 'nat', '-I', 'PREROUTING', '-j', 'CNI-HOSTPORT');
    await iptables('-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT');
    expect(await isAsDesired()).toBe(true);
    for (const damage of [
      ['-t', 'nat', '-F', 'KUBE-POSTROUTING'],
      ['-t', 'nat', '-I', 'KUBE-SERVICES', '-j', 'RETURN'],
      ['-t', 'nat', '-D', 'PREROUTING', '2'],
      ['-D', 'INPUT', '1'],
    ]) {
      await iptables(...damage);
      expect(await isAsDesired()).toBe(false);
      expect(await write()).toEqual([]);
      expect(await isAsDesired()).toBe(true);
    }
    const saved = await save();
    expect(saved).toContain('-A CNI-HOSTPORT -j RETURN');
    expect(saved).toMatch(/-A INPUT -p tcp -j ACCEPT\n/);
    expect(
      saved.match(/-A PREROUTING .*-j CNI-HOSTPORT|-A PREROUTING -j CNI-HOSTPORT/g),
    ).toHaveLength(1);
    expect(saved.match(/-A PREROUTING .*-j KUBE-SERVICES/g)).toHaveLength(1);
  });

  test('surplus copies of our jumps go, the first stays where it is among rules of others', async () => {
    await iptables('-t', 'nat', '-A', 'PREROUTING', '-p', 'udp', '-j', 'ACCEPT');
    await write();
    const [jump] = desired.iptables.IPv4.nat.get('PREROUTING')!;
    const words = checkWords(jump!).slice(2);
    await iptables('-t', 'nat', '-A', 'PREROUTING', ...words);
    await iptables('-t', 'nat', '-I', 'PREROUTING', '-p', 'tcp', '-j', 'ACCEPT');
    await iptables('-t', 'nat', '-A', 'PREROUTING', ...words);
    expect(await isAsDesired()).toBe(false);
    expect(await write()).toEqual([]);
    expect(await isAsDesired()).toBe(true);
    expect((await save()).split('\n').filter((line) => line.startsWith('-A PREROUTING'))).toEqual([
      '-A PREROUTING -p tcp -j ACCEPT',
      jump,
      '-A PREROUTING -p udp -j ACCEPT',
    ]);
  });

  test('a table is written whole or not at all', async () => {
    await write();
    const before = await save();
    const bad: WriteOperation = {
      op: 'writeRules',
      family: 'IPv4',
      table: 'nat',
      chains: new Map([
        [
          'KUBE-SERVICES',
          [
            '-A KUBE-SERVICES -j RETURN',
            '-A KUBE-SERVICES -m set --match-set NOT-THERE dst -j RETURN',
          ],
        ],
      ]),
    };
    const [message] = await write([bad]);
    expect(message).toContain("Set NOT-THERE doesn't exist");
    expect(await save()).toBe(before);
  });

  test('a refused table is reported alone, and the others are written, jumps once', async () => {
    const bad: WriteOperation = {
      op: 'writeRules',
      family: 'IPv4',
      table: 'filter',
      chains: new Map([['KUBE-FORWARD', ['-A KUBE-FORWARD -j NOT-THERE']]]),
    };
    const good = everything.filter(({ table }) => table === 'nat');
    const { outcomes, kernelWrites } = await port.apply([good[0]!, bad, good[1]!]);
    expect(outcomes.map((outcome) => outcome === undefined)).toEqual([true, false, true]);
    expect(kernelWrites).toBe(2);
    expect((await port.read()).IPv4.nat).toEqual(desired.iptables.IPv4.nat);
    expect((await port.read()).IPv4.filter).toEqual(new Map());
  });

  test('a removal leaves what others made', async () => {
    await iptables('-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT');
    const before = await save();
    await write();
    await port.removeAll();
    const after = (await save()).split('\n').filter((line) => line !== '');
    expect(after.filter((line) => /KUBE-(?!IPTABLES-HINT)/.test(line))).toEqual([]);
    const rules = before.split('\n').filter((line) => line.startsWith('-A'));
    expect(after).toEqual(expect.arrayContaining(rules));
    await port.removeAll();
  });
});

describe('on a node without any traces', () => {
  test('the variant that can write is found by trying, without a trace of the trial', async () => {
    const namespace = await freshNamespace();
    const run = runnerIn(namespace);
    const port = new IptablesClient(ours, { run, tablesInUse: askPrograms });
    await port.read();
    expect(port.variant).toBeUndefined();
    const chains = new Map([['KUBE-FORWARD', ['-A KUBE-FORWARD -j RETURN']]]);
    const { outcomes } = await port.apply([
      { op: 'writeRules', family: 'IPv4', table: 'filter', chains },
    ]);
    expect(outcomes).toEqual([undefined]);
    expect(port.variant).toBe(variants[0]);
    expect((await port.read()).IPv4.filter).toEqual(chains);
    const { stdout } = await run([`iptables-${variants[0]}-save`]);
    expect(stdout).not.toContain('PROBE');
    await namespace.remove();
  });
});

describe('tables in use', () => {
  const inOwn = (program: string, ...args: readonly string[]) => runHere([program, ...args]);

  test('are told as the programs tell them, before and after the first rule', async () => {
    for (const family of FAMILIES) {
      const program = family === 'IPv4' ? 'iptables-legacy' : 'ip6tables-legacy';
      const hasTables = async () => (await inOwn(`${program}-save`)).stdout !== '';
      const isTold = async () => (await tablesInUse('legacy'))!.includes(family);
      expect(await isTold()).toBe(await hasTables());
      await inOwn(program, '-t', 'mangle', '-N', 'KUBE-IPVS-TEST');
      expect(await hasTables()).toBe(true);
      expect(await isTold()).toBe(true);
      await inOwn(program, '-t', 'mangle', '-X', 'KUBE-IPVS-TEST');
    }
  });

  test('a kernel without nf_tables is told from one without nft rules', async () => {
    const canWrite = await inOwn('iptables-nft', '-t', 'mangle', '-N', 'KUBE-IPVS-TEST').then(
      () => true,
      () => false,
    );
    expect((await tablesInUse('nft'))?.includes('IPv4') ?? false).toBe(canWrite);
    if (canWrite) await inOwn('iptables-nft', '-t', 'mangle', '-X', 'KUBE-IPVS-TEST');
  });
});
