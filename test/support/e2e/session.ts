// One end-to-end test file's share of a cluster: what it creates is deleted after each test, and
// what the kernel comes to hold is compared with whole lists of lines.

/* oxlint-disable jest/no-standalone-expect -- its methods are called in tests and in hooks */

import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { ClusterObject } from './clusterObjects.ts';
import { about, E2eCluster, eventually, NODE, type ProductRun } from './cluster.ts';

/** Nothing in the kernel. */
export const gone: readonly string[] = [];

/** Our Node as an object to patch. */
export const node: ClusterObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };

export class E2eSession {
  #cluster: E2eCluster | undefined;
  #run: ProductRun | undefined;
  #made: ClusterObject[] = [];

  /**
   * Registers what comes before and after the tests of the calling file. @param isRunning the
   * product runs all the time
   */
  static register({ isRunning }: { readonly isRunning: boolean }): E2eSession {
    const session = new E2eSession();
    beforeAll(() => session.#start(isRunning), 120_000);
    afterAll(() => session.#cluster?.stop(), 60_000);
    afterEach(() => session.#deleteMade(isRunning));
    return session;
  }

  get cluster(): E2eCluster {
    return this.#cluster!;
  }

  get run(): ProductRun {
    return this.#run!;
  }

  async create(...objects: ClusterObject[]): Promise<void> {
    for (const object of objects) {
      this.#made.push(object);
      await this.cluster.objects.create(object);
    }
  }

  /** The kernel comes to hold exactly this about an address or port. */
  async shows(what: string, lines: readonly string[]): Promise<void> {
    await eventually(async () => {
      expect(about(await this.cluster.kernel(), what)).toEqual([...lines].toSorted());
    });
  }

  /** An Event of this type `Warning` about a Service comes to be in the API. */
  async warns(serviceName: string, note: RegExp): Promise<void> {
    await eventually(async () => {
      const events = await this.cluster.objects.list('events.k8s.io/v1', 'Event');
      const told = events.filter(
        ({ regarding }) => (regarding as { readonly name: string }).name === serviceName,
      );
      expect(told).toContainEqual(
        expect.objectContaining({ type: 'Warning', note: expect.stringMatching(note) }),
      );
    });
  }

  async #start(isRunning: boolean): Promise<void> {
    this.#cluster = await E2eCluster.start();
    if (!isRunning) return;
    this.#run = await this.#cluster.start();
    await this.#cluster.synced(this.#run);
  }

  async #deleteMade(isRunning: boolean): Promise<void> {
    await this.cluster.deleteAll(this.#made);
    this.#made = [];
    if (!isRunning) return;
    await eventually(async () => {
      const { servers, addresses } = await this.cluster.kernel();
      expect({ servers: Object.keys(servers), addresses }).toEqual({
        servers: ['TCP 10.96.0.1:443 rr'],
        addresses: ['10.96.0.1/32'],
      });
    });
  }
}

/** What a ClusterIP with one TCP port 80 has beside its server. */
export const clusterIpLines = (address: string): readonly string[] => [
  `KUBE-CLUSTER-IP ${address},tcp:80`,
  `KUBE-IPVS-IPS ${address}`,
  `bound ${address}`,
];
