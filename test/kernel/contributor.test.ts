/**
 * A contributor beside the Services on a real kernel: its rules in all four tables, set and sysctl
 * come, are kept, and go.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DesiredState } from '../../src/dataplane/state.ts';
import type { Contributor, Footprint } from '../../src/desired/contributor.ts';
import { DesiredBuilder } from '../../src/desired/builder.ts';
import { KernelDataplane, namesOf } from '../../src/kernel/dataplane.ts';
import { IptablesClient } from '../../src/kernel/iptables.ts';
import { IpvsClient } from '../../src/kernel/ipvsClient.ts';
import { LinkClient } from '../../src/kernel/linkClient.ts';
import { SysctlClient } from '../../src/kernel/sysctl.ts';
import { askPrograms } from '../../src/kernel/tablesInUse.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { difference, type DifferenceContext } from '../../src/plan/difference.ts';
import { formatOperation } from '../../src/plan/format.ts';
import { orderPlan } from '../../src/plan/order.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { ipsetPortIn, runnerIn } from '../support/lab/namespaceRunner.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';
import {
  TEST_CHAIN,
  TEST_FOOTPRINT,
  TEST_SET,
  TestContributor,
} from '../support/objects/testContributor.ts';

const describe = await requireIpvs();

// a process takes up to 0.2 s in the lab kernel, several times that on a busy machine

const context: DifferenceContext = { isOwned: () => true, excludeCidrs: [] };

function desired(on: readonly Contributor[], off: readonly Footprint[] = []): DesiredState {
  const store = new ClusterStore();
  const builder = new DesiredBuilder(store, dataplaneOptions(), hostNetwork(), on, off);
  builder.settle();
  return builder.state;
}

describe('a contributor on a real kernel', () => {
  let namespace: Namespace;
  let root: string;
  const opened: KernelDataplane[] = [];

  beforeEach(async () => {
    namespace = await freshNamespace();
    // /proc/sys/net is that of the process, whatever namespace the sockets are in
    root = await mkdtemp(path.join(tmpdir(), 'sysctl-'));
    await mkdir(path.join(root, 'net/ipv4/conf/all'), { recursive: true });
    await writeFile(path.join(root, 'net/ipv4/conf/all/arp_ignore'), '0\n');
  });

  afterEach(async () => {
    for (const dataplane of opened.splice(0)) await dataplane.close();
    await namespace.remove();
    await rm(root, { recursive: true });
  });

  function open(state: DesiredState): KernelDataplane {
    const owned = namesOf(state);
    const dataplane = new KernelDataplane(owned, {
      ipvs: new IpvsClient(namespace),
      links: new LinkClient(namespace),
      sets: ipsetPortIn(namespace).port,
      rules: new IptablesClient(owned.chains, {
        run: runnerIn(namespace),
        tablesInUse: askPrograms,
      }),
      sysctls: new SysctlClient(root),
    });
    opened.push(dataplane);
    return dataplane;
  }

  /** One sysctl of all: the others are not in the folder that stands for /proc/sys. */
  const only = (state: DesiredState): DesiredState => ({
    ...state,
    sysctls: new Map([...state.sysctls].filter(([name]) => name.endsWith('arp_ignore'))),
  });

  /** A round with full scope. @returns what was done */
  async function round(dataplane: KernelDataplane, state: DesiredState): Promise<string[]> {
    const wanted = only(state);
    const actual = await dataplane.read([...wanted.sysctls.keys()]);
    expect([...actual.unknown]).toEqual([]);
    const { done, failed } = await dataplane.apply(orderPlan(difference(wanted, actual, context)));
    expect(failed.map(({ error }) => error.message)).toEqual([]);
    return done.map(formatOperation);
  }

  const saved = async () =>
    `${await namespace.run('iptables-save')}${await namespace.run('ip6tables-save')}`;

  test('that is not there costs nothing: its tables are neither read nor made', async () => {
    const state = desired([]);
    const dataplane = open(state);
    await round(dataplane, state);
    const { iptables } = await dataplane.read([]);
    for (const tables of [iptables.IPv4, iptables.IPv6])
      expect(Object.keys(tables)).toEqual(['nat', 'filter']);
    expect(await saved()).not.toMatch(/^\*(?:raw|mangle)/m);
    expect(await round(dataplane, state)).toEqual([]);
  });

  test('is written, found as it was written, and mended where it was damaged', async () => {
    const state = desired([new TestContributor()]);
    const dataplane = open(state);
    const done = await round(dataplane, state);
    expect(done).toContain('~ net/ipv4/conf/all/arp_ignore = 1');
    expect(done).toContain(`+ ${TEST_SET} 10.96.0.10,tcp:80`);
    expect(await round(dataplane, state)).toEqual([]);
    await namespace.run('iptables', '-t', 'raw', '-F', TEST_CHAIN);
    await namespace.run('ip6tables', '-t', 'mangle', '-F', 'OUTPUT');
    await namespace.run('iptables', '-t', 'filter', '-D', 'INPUT', '1');
    await namespace.run('ipset', 'flush', TEST_SET);
    expect(await round(dataplane, state)).toEqual([
      expect.stringMatching(/^~ IPv4 raw: /),
      expect.stringMatching(/^~ IPv4 filter: /),
      expect.stringMatching(/^~ IPv6 mangle: /),
      `+ ${TEST_SET} 10.96.0.10,tcp:80`,
    ]);
    expect(await round(dataplane, state)).toEqual([]);
    expect(await namespace.run('iptables', '-S', 'INPUT')).toMatch(
      new RegExp(String.raw`^-P INPUT ACCEPT\n-A INPUT .*-j ${TEST_CHAIN}\n`),
    );
  });

  test('that is turned off leaves nothing, and what others put beside it stays', async () => {
    const on = desired([new TestContributor()]);
    await round(open(on), on);
    await namespace.run('iptables', '-t', 'raw', '-A', 'PREROUTING', '-j', 'ACCEPT');
    const off = desired([], [TEST_FOOTPRINT]);
    const dataplane = open(off);
    const chains = ['IPv4', 'IPv6'].flatMap((family) =>
      ['raw', 'mangle', 'nat', 'filter'].map((table) => `- ${family} ${table}: ${TEST_CHAIN}`),
    );
    const done = await round(dataplane, off);
    expect(done.filter((text) => !text.includes(' hash:'))).toEqual(chains);
    expect(done.slice(-2)).toEqual([
      `- ${TEST_SET} hash:ip,port IPv4`,
      '- KUBE-6-IPVS-TEST hash:ip,port IPv6',
    ]);
    const text = await saved();
    expect(text).not.toContain(TEST_CHAIN);
    expect(text).toContain('-A PREROUTING -j ACCEPT');
    expect(text).toContain('-j KUBE-IPVS-FILTER');
    expect(await namespace.run('ipset', 'list', '-n')).not.toContain('TEST');
    expect(await round(dataplane, off)).toEqual([]);
  });
});
