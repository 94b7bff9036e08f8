/**
 * Plans carried out by the real kernel: random clusters one after the other, each read back and
 * compared as a whole.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { buildDesired } from '../../src/desired/builder.ts';
import type { DesiredState } from '../../src/dataplane/state.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { KernelDataplane, namesOf } from '../../src/kernel/dataplane.ts';
import { IptablesClient } from '../../src/kernel/iptables.ts';
import { IpvsClient } from '../../src/kernel/ipvsClient.ts';
import { LinkClient } from '../../src/kernel/linkClient.ts';
import { SysctlClient } from '../../src/kernel/sysctl.ts';
import { askPrograms } from '../../src/kernel/tablesInUse.ts';
import { applyReport, mutableState } from '../../src/plan/applied.ts';
import { difference, type DifferenceContext } from '../../src/plan/difference.ts';
import { formatOperation } from '../../src/plan/format.ts';
import { orderPlan } from '../../src/plan/order.ts';
import { desiredState, touchedBetween } from '../property/plan/arbitraries.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { ipsetPortIn, runnerIn } from '../support/lab/namespaceRunner.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';

const describe = await requireIpvs();

// a process takes up to 0.2 s in the lab kernel

const { state: base } = buildDesired(new ClusterStore(), hostNetwork(), dataplaneOptions());
const sysctls = new Map([['net/ipv4/ip_forward', '1']]);
const context: DifferenceContext = { isOwned: () => true, excludeCidrs: [] };

/** A random cluster with the real sets and rules. */
const desiredStates: fc.Arbitrary<DesiredState> = desiredState.map((random) => ({
  ...random,
  ipsets: new Map([...base.ipsets, ...random.ipsets]),
  iptables: base.iptables,
  sysctls,
}));

describe('on a real kernel', () => {
  let namespace: Namespace;
  let root: string;
  let dataplane: KernelDataplane;

  beforeEach(async () => {
    namespace = await freshNamespace();
    // /proc/sys/net is that of the process, whatever namespace the sockets are in
    root = await mkdtemp(path.join(tmpdir(), 'sysctl-'));
    await mkdir(path.join(root, 'net/ipv4'), { recursive: true });
    await writeFile(path.join(root, 'net/ipv4/ip_forward'), '0\n');
    const owned = namesOf(base);
    dataplane = new KernelDataplane(owned, {
      ipvs: new IpvsClient(namespace),
      links: new LinkClient(namespace),
      sets: ipsetPortIn(namespace).port,
      rules: new IptablesClient(owned.chains, {
        run: runnerIn(namespace),
        tablesInUse: askPrograms,
      }),
      sysctls: new SysctlClient(root),
    });
  });

  afterEach(async () => {
    await dataplane.close();
    await namespace.remove();
    await rm(root, { recursive: true });
  });

  const read = () => dataplane.read([...sysctls.keys()]);

  test('an empty node is read as such', async () => {
    const actual = await read();
    expect(actual.hasDummyDevice).toBe(false);
    expect(actual.virtualServers.size + actual.addresses.size + actual.ipsets.size).toBe(0);
    expect([...actual.sysctls]).toEqual([['net/ipv4/ip_forward', '0']]);
  });

  test('each plan leads to what was desired, and a second look finds nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(desiredStates, async (desired) => {
        const plan = orderPlan(difference(desired, await read(), context));
        const { done, failed } = await dataplane.apply(plan);
        expect(failed.map(({ error }) => error.message)).toEqual([]);
        expect(done).toEqual(plan);
        expect(difference(desired, await read(), context).map(formatOperation)).toEqual([]);
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });

  test('the view that follows the reports is what the kernel holds', async () => {
    const [before, ...later] = fc.sample(desiredStates, { numRuns: 5, seed: 7 });
    const view = mutableState(await read());
    applyReport(view, await dataplane.apply(orderPlan(difference(before!, view, context))));
    let last = before!;
    for (const desired of later) {
      const scope = touchedBetween(last, desired);
      const plan = orderPlan(difference(desired, view, { ...context, scope }));
      applyReport(view, await dataplane.apply(plan));
      last = desired;
      const actual = await read();
      expect(difference(view, actual, context).map(formatOperation)).toEqual([]);
      expect(difference(actual, view, context).map(formatOperation)).toEqual([]);
    }
  });

  test('what an operator destroys is found and repaired', async () => {
    const [desired] = fc.sample(desiredStates, { numRuns: 1, seed: 3 });
    await dataplane.apply(orderPlan(difference(desired!, await read(), context)));
    for (const damage of [
      ['ipvsadm', '-C'],
      ['ipset', 'flush', 'KUBE-IPVS-IPS'],
      ['ip', 'link', 'del', 'kube-ipvs0'],
      ['iptables', '-t', 'nat', '-F', 'KUBE-SERVICES'],
    ]) {
      await namespace.run(...damage);
      const plan = orderPlan(difference(desired!, await read(), context));
      expect(plan.length).toBeGreaterThan(0);
      const { failed, kernelWrites } = await dataplane.apply(plan);
      expect(failed).toEqual([]);
      expect(kernelWrites).toBe(plan.length);
      expect(difference(desired!, await read(), context)).toEqual([]);
    }
  });
});
