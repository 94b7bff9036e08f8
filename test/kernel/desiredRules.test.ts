import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { buildDesired } from '../../src/desired/builder.ts';
import type { DataplaneOptions } from '../../src/dataplane/options.ts';
import type { DesiredState } from '../../src/dataplane/state.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import { canonicalEntry } from '../support/lab/ipsetSave.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';

/**
 * The nf_tables backend needs kernel parts that a lab kernel may lack; the legacy one is always
 * there.
 */
function hasNfTables(): boolean {
  const input = '*nat\n:KUBE-TRY - [0:0]\nCOMMIT\n';
  try {
    execFileSync('unshare', ['-n', 'iptables-nft-restore', '-n'], { input, stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const backends = hasNfTables() ? ['legacy', 'nft'] : ['legacy'];

const variants: Readonly<Record<string, Partial<DataplaneOptions>>> = {
  'without a detector': {},
  'with prefix detectors': {
    detectLocal: {
      IPv4: { kind: 'prefix', prefix: parsePrefix('10.244.0.0/16')! },
      IPv6: { kind: 'prefix', prefix: parsePrefix('fd00:10:244::/56')! },
    },
  },
  'with a prefix that holds everything': {
    detectLocal: {
      IPv4: { kind: 'prefix', prefix: parsePrefix('0.0.0.0/0')! },
      IPv6: { kind: 'prefix', prefix: parsePrefix('::/0')! },
    },
  },
  'with an interface detector': {
    detectLocal: {
      IPv4: { kind: 'interface', match: 'cali+' },
      IPv6: { kind: 'interface', match: 'cni0' },
    },
  },
  'with masqueradeAll and the highest mark bit': { masqueradeAll: true, masqueradeBit: 31 },
};

const cases = backends.flatMap((backend) =>
  Object.entries(variants).flatMap(([variant, options]) =>
    FAMILIES.map((family) => ({ backend, variant, options, family })),
  ),
);

test.each(cases)(
  'iptables-$backend saves the $family rules $variant as they were planned',
  ({ backend, options, family }) => {
    const { state } = desired(options);
    const tool = family === 'IPv4' ? 'iptables' : 'ip6tables';
    const saved = inNamespace(
      `${createSets(state)}\n${tool}-${backend}-restore -n <<'RULES'\n${restoreText(state, family)}RULES\n` +
        `${tool}-${backend}-save`,
    );
    expect(rulesOf(saved)).toEqual(plannedRules(state, family));
  },
);

test('ipset takes every set and saves every entry as it was planned', () => {
  const { state } = desired({
    detectLocal: {
      IPv4: { kind: 'prefix', prefix: parsePrefix('0.0.0.0/0')! },
      IPv6: { kind: 'prefix', prefix: parsePrefix('fd00::1/128')! },
    },
  });
  const saved = inNamespace(`${createSets(state)}\nipset save`);
  const entries = Array.from(
    saved.matchAll(/^add (\S+) (\S+)$/gm),
    ([, set, entry]) => `${set} ${entry}`,
  );
  const planned = [...state.ipsets.values()].flatMap(({ name, entries: all }) =>
    [...all].map((entry) => `${name} ${entry}`),
  );
  expect(entries.toSorted()).toEqual(planned.toSorted());
  expect(
    planned.map((line) => line.replace(/ .*/, ' ') + canonicalEntry(line.split(' ')[1]!)),
  ).toEqual(planned);
});

function desired(options: Partial<DataplaneOptions>): { state: DesiredState } {
  return buildDesired(new ClusterStore(), hostNetwork(), dataplaneOptions(options));
}

function createSets(state: DesiredState): string {
  const lines = [...state.ipsets.values()].flatMap(({ name, type, family, entries }) => [
    type === 'bitmap:port'
      ? `ipset create ${name} ${type} range 0-65535`
      : `ipset create ${name} ${type} family ${family === 'IPv4' ? 'inet' : 'inet6'}`,
    ...[...entries].map((entry) => `ipset add ${name} ${entry}`),
  ]);
  return ['set -e', ...lines].join('\n');
}

function restoreText(state: DesiredState, family: Family): string {
  return Object.entries(state.iptables[family])
    .map(([table, chains]) => {
      const declared = [...chains.keys()].filter((chain) => chain.startsWith('KUBE-'));
      return [
        `*${table}`,
        ...declared.map((chain) => `:${chain} - [0:0]`),
        ...[...chains.values()].flat(),
        'COMMIT\n',
      ].join('\n');
    })
    .join('');
}

/** `TABLE CHAIN` → rules in order, chains without rules left out. */
function rulesOf(saved: string): Record<string, string[]> {
  const rules: Record<string, string[]> = {};
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    if (line.startsWith('-A ')) (rules[`${table} ${line.split(' ')[1]}`] ??= []).push(line);
  }
  return rules;
}

function plannedRules(state: DesiredState, family: Family): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(state.iptables[family]).flatMap(([table, chains]) =>
      Array.from(chains, ([chain, rules]) => [`${table} ${chain}`, rules]),
    ),
  );
}

function inNamespace(script: string): string {
  return execFileSync('unshare', ['-n', 'sh', '-c', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
}
