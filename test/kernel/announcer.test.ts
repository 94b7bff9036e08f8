/**
 * Announcers as they are, on a segment with a client and a witness: who answers for an address, and
 * who when its node dies, leaves, is cordoned, loses its cable or stands still.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sight } from '../support/lab/segment.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const describe = await requireNamespaces();

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
const NAMES = ['n1', 'n2', 'n3'];

describe('three nodes on a segment', () => {
  let nodes: AnnouncerNodes;

  beforeAll(async () => {
    nodes = await AnnouncerNodes.create(NAMES.length, {
      addresses: [V4, V6],
      // What has just come up may take over from a cordoned node.
      announcer: { holdDownMs: 0 },
    });
    for (const name of NAMES) nodes.start(name);
  });
  afterAll(async () => {
    await nodes.remove();
  });

  /** Exactly one answers, sooner or later, and never two. @returns its name */
  async function owner(address: string, isSo: (name: string) => boolean = () => true) {
    const found = await sight(
      () => nodes.answerers(address),
      (answerers) => answerers.length === 1 && isSo(answerers[0]!),
    );
    if (found.length !== 1 || !isSo(found[0]!))
      throw new Error(`${address}: ${found.join(' and ') || 'nobody'}\n${nodes.logs}`);
    return found[0]!;
  }

  /** The client's kernel knows it, and is not told otherwise. */
  async function known(address: string, isSo: (name: string) => boolean): Promise<void> {
    const seen = await sight(
      () => nodes.neighbour(address),
      (name) => name !== undefined && isSo(name),
    );
    if (seen === undefined || !isSo(seen))
      throw new Error(`${address} is at ${seen}\n${nodes.logs}`);
  }

  test.each([V4, V6])('%s is answered for by exactly one', async (address) => {
    expect(NAMES).toContain(await owner(address));
  });

  test('a crash: the client’s entry is turned to another node, unasked', async () => {
    const dead = await owner(V4);
    await known(V4, (name) => name === dead);
    await nodes.end(dead, 'SIGKILL');
    await known(V4, (name) => name !== dead);
    expect(await owner(V4)).not.toBe(dead);
    nodes.start(dead);
  });

  test('an orderly end, IPv6: likewise', async () => {
    const leaving = await owner(V6);
    await nodes.end(leaving, 'SIGTERM');
    await known(V6, (name) => name !== leaving);
    nodes.start(leaving);
  });

  test('a cordoned node hands over, and gets nothing back by itself', async () => {
    const before = await owner(V4);
    nodes.tell({ cordon: before });
    const after = await owner(V4, (name) => name !== before);
    nodes.tell({ uncordon: before });
    expect(await owner(V4)).toBe(after);
  });

  test('a node that cannot serve an address has it no longer', async () => {
    const before = await owner(V4);
    nodes.tell({ serves: [V6] }, [before]);
    await owner(V4, (name) => name !== before);
    nodes.tell({ serves: [V4, V6] }, [before]);
  });

  test('a node that stood still does not answer for what others have', async () => {
    const before = await owner(V4);
    nodes.signal(before, 'SIGSTOP');
    const after = await owner(V4, (name) => name !== before);
    nodes.signal(before, 'SIGCONT');
    expect(await owner(V4)).toBe(after);
  });

  test('without its cable another one has it', async () => {
    const before = await owner(V4);
    const number = NAMES.indexOf(before) + 1;
    await nodes.segment.setCable(number, 'down');
    await owner(V4, (name) => name !== before);
    await nodes.segment.setCable(number, 'up');
    await owner(V4);
  });
});
