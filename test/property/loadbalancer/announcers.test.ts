/**
 * Whatever befalls nodes, proxies and the network between them: when it is over, each address is
 * answered for by exactly one node; and while nothing happens, never by two that hear each other.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { MemberNode } from '../../../src/loadbalancer/announcer/electors.ts';
import { member } from '../../support/loadbalancer/announcing.ts';
import { AnnouncingProcess, Segment } from '../../support/loadbalancer/announcingProcess.ts';
import { settingsOf } from '../../support/loadbalancer/balanced.ts';
import { SimulatedNetwork } from '../../support/loadbalancer/network.ts';
import { randomNumbers } from '../../support/program/randomNumbers.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4'];
const ADDRESSES = ['192.0.2.64', '192.0.2.65', '192.0.2.66', '192.0.2.67', '192.0.2.68'];
/** What was begun is finished by then: failover, hand-over, a probe, claims told again. */
const SETTLED_MS = 15_000;

class Story {
  readonly network: SimulatedNetwork;
  readonly segment: Segment;
  readonly #random: () => number;
  #members: ReadonlyMap<string, MemberNode>;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
    this.network = new SimulatedNetwork({ random: this.#random });
    this.segment = new Segment(this.network);
    this.#members = new Map(NAMES.map((name) => [name, member(name)]));
    for (const name of NAMES) this.start(name);
  }

  get processes(): readonly AnnouncingProcess[] {
    return [...this.segment.processes];
  }

  find(name: string): AnnouncingProcess | undefined {
    return this.processes.find((process) => process.name === name);
  }

  start(name: string): void {
    const process = new AnnouncingProcess({
      name,
      settings: settingsOf([]).announcer,
      members: this.#members,
      addresses: ADDRESSES,
      network: this.network,
      segment: this.segment,
      random: this.#random,
    });
    this.segment.attach(process);
    this.network.start(process);
  }

  crash(name: string): void {
    this.segment.detach(name);
    this.network.crash(name);
  }

  cordon(name: string, isCordoned: boolean): void {
    const { announcing } = this.#members.get(name)!;
    const changed = member(name, { announcing: { ...announcing, isCordoned } });
    this.#members = new Map([...this.#members, [name, changed]]);
    for (const { announcer } of this.processes) announcer.setMembers(this.#members);
  }

  serve(name: string, addresses: readonly string[]): void {
    this.find(name)?.announcer.setServable(new Set(addresses), ADDRESSES);
  }

  /** All is as it should be, but for who is gone. */
  heal(): void {
    this.network.heal();
    this.segment.unplugged.clear();
    for (const name of NAMES) {
      this.network.resume(name);
      this.cordon(name, false);
      this.serve(name, ADDRESSES);
      this.find(name)?.setFacts({ unreachableSinceMs: undefined });
    }
  }

  /** Addresses that are not answered for by exactly one. */
  wrong(): readonly string[] {
    return ADDRESSES.flatMap((address) => {
      const answerers = this.segment.answerers(address);
      return answerers.length === 1 ? [] : [`${address}: ${answerers.join(' and ') || 'nobody'}`];
    });
  }
}

type Step = readonly [what: string, does: (story: Story) => void];

const which = fc.constantFrom(...NAMES);
const some = fc.subarray(ADDRESSES);
const on = (what: string, does: (story: Story, name: string) => void): fc.Arbitrary<Step> =>
  which.map((name) => [`${what} ${name}`, (story) => does(story, name)]);

const step: fc.Arbitrary<Step> = fc.oneof(
  on('crash', (story, name) => story.crash(name)),
  on('start', (story, name) => story.start(name)),
  on('pause', (story, name) => story.network.pause(name)),
  on('resume', (story, name) => story.network.resume(name)),
  on('cordon', (story, name) => story.cordon(name, true)),
  on('uncordon', (story, name) => story.cordon(name, false)),
  on('leave', (story, name) => story.find(name)?.setFacts({ isLeaving: true })),
  on('no API server', (story, name) =>
    story.find(name)?.setFacts({ unreachableSinceMs: story.network.nowMs }),
  ),
  on('release', (story, name) =>
    story.find(name)?.announcer.release(ADDRESSES, story.network.nowMs),
  ),
  fc
    .tuple(which, some)
    .map(([name, served]): Step => [
      `${name} serves ${served.join()}`,
      (story) => story.serve(name, served),
    ]),
  fc
    .tuple(which, which)
    .map(([from, to]): Step => [
      `no beats from ${from} to ${to}`,
      (story) => story.network.block(from, to),
    ]),
  fc.subarray(NAMES).map((group): Step => [
    `beats only among ${group.join()} and the rest`,
    (story) =>
      story.network.partition(
        group,
        NAMES.filter((name) => !group.includes(name)),
      ),
  ]),
  fc.constant<Step>(['heal', (story) => story.heal()]),
);

const steps = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 3_000 })), { maxLength: 20 });

test('in the end each address is answered for by exactly one node', () => {
  fc.assert(
    fc.property(fc.nat(), steps, (seed, told) => {
      const story = new Story(seed);
      for (const [[, does], forMs] of told) {
        does(story);
        story.network.run(forMs);
      }
      // A proxy that left has ended, and is started again by whoever keeps it.
      for (const { name, announcer } of story.processes) {
        if (announcer.surroundings.own.isLeaving) story.crash(name);
      }
      if (story.processes.length === 0) story.start('n1');
      story.heal();
      story.network.run(SETTLED_MS);
      expect(story.wrong()).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

/** Moves that leave at least two nodes that are well, and all heartbeats heard. */
const gentle: fc.Arbitrary<Step> = fc.oneof(
  on('cordon', (story, name) => story.cordon(name, true)),
  on('uncordon', (story, name) => story.cordon(name, false)),
  on('release', (story, name) =>
    story.find(name)?.announcer.release(ADDRESSES, story.network.nowMs),
  ),
);

test('a planned move is never answered for by nobody, nor by two for long', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(gentle, { maxLength: 10 }), (seed, told) => {
      const story = new Story(seed);
      story.network.run(SETTLED_MS);
      expect(story.wrong()).toEqual([]);
      for (const [, does] of told) {
        does(story);
        for (let ms = 0; ms < 1_000; ms += 5) {
          story.network.run(5);
          expect(ADDRESSES.filter((each) => story.segment.answerers(each).length === 0)).toEqual(
            [],
          );
        }
        expect(story.wrong()).toEqual([]);
      }
    }),
    { numRuns: 50 },
  );
});
