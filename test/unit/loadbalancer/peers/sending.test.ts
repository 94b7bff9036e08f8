/** Who is told what and when. */
import { describe, expect, test } from '@jest/globals';
import { encodeHeartbeat } from '../../../../src/wire/heartbeat.ts';
import type { Attachment } from '../../../../src/wire/heartbeatBody.ts';
import {
  FROM,
  OWN_BOOT,
  PEER_BOOT,
  acquainted,
  attach,
  attachment,
  from,
  list,
  makePeers,
  see,
  ticks,
  types,
} from '../../../support/loadbalancer/onePeer.ts';
import { ownState } from '../../../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../../../support/program/randomNumbers.ts';

describe('what is sent', () => {
  test('a beat to everybody at once, then at every interval ± 10 %', () => {
    const peers = makePeers(['n2', 'n3'], randomNumbers(4));
    const sent = Array.from({ length: 60_000 }, (_, nowMs) =>
      peers.tick(nowMs).map(({ node }) => ({ node, nowMs })),
    ).flat();
    for (const node of ['n2', 'n3']) {
      const times = sent.filter((each) => each.node === node).map(({ nowMs }) => nowMs);
      expect(times[0]).toBe(0);
      const gaps = times.slice(2).map((nowMs, i) => nowMs - times[i + 1]!);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(179);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(221);
      expect(Math.min(...gaps)).toBeLessThan(185);
      expect(Math.max(...gaps)).toBeGreaterThan(215);
      expect(Math.abs(times.length - 300)).toBeLessThan(6);
    }
  });

  test('the flags, the age going on, and what was heard', () => {
    const peers = makePeers();
    peers.setOwn(ownState({ readyForMs: 1_000.7, isObserver: true, isApiServerReachable: false }));
    const [first] = peers.tick(10);
    expect(first).toEqual({
      node: 'n2',
      to: FROM,
      heartbeat: {
        type: 'beat',
        node: 'n1',
        bootId: OWN_BOOT,
        sequence: 1n,
        isReady: true,
        isLeaving: false,
        isApiServerReachable: false,
        isObserver: true,
        ageMs: 1_000,
        generation: 0,
        configurationHash: 0xabcd,
        echo: { bootId: 0n, sequence: 0n },
      },
    });
    const heard = from('n2');
    peers.received(heard, FROM, 300);
    expect(peers.tick(400)[0]!.heartbeat).toMatchObject({
      sequence: 2n,
      ageMs: 1_390,
      echo: { bootId: PEER_BOOT, sequence: heard.sequence },
    });
    peers.setOwn(ownState({ isReady: false, readyForMs: 9 }));
    expect(peers.tick(800)[0]!.heartbeat).toMatchObject({ isReady: false, ageMs: 0 });
  });

  test('to the first family that both have', () => {
    const peers = makePeers();
    const both = [{ name: 'n2', addresses: ['fd00::2', '10.0.0.2', '10.1.0.2'] }];
    const to = () => peers.tick(0).map((each) => each.to);
    peers.setNodes(both);
    expect(to()).toEqual(['10.0.0.2']);
    peers.setNodes([]);
    peers.setNodes(both, ['IPv6', 'IPv4']);
    expect(to()).toEqual(['fd00::2']);
    peers.setNodes([{ name: 'n2', addresses: ['10.0.0.2'] }], ['IPv6']);
    expect(to()).toEqual([]);
    expect(peers.view(0).size).toBe(0);
  });

  test('all tables to whoever is newly heard, and again when one has changed', () => {
    const peers = acquainted();
    expect(types(peers.tick(1))).toEqual(['claims', 'attach', 'unable']);
    expect(peers.tick(2)).toEqual([]);
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1']) }));
    const moved = peers.tick(3);
    expect(types(moved)).toEqual(['claims', 'attach', 'unable']);
    expect(moved[0]!.heartbeat).toMatchObject({ generation: 1, entries: ['192.0.2.1'] });
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1']) }));
    expect(peers.tick(4)).toEqual([]);
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1']), attachments: [attachment] }));
    expect(peers.tick(5).map(({ heartbeat }) => heartbeat.generation)).toEqual([2, 2, 2]);
    peers.setOwn(
      ownState({
        claims: new Set(['192.0.2.1']),
        attachments: [{ ...attachment, prefixLength: 25 }],
      }),
    );
    expect(peers.tick(6)).toHaveLength(3);
    peers.setOwn(ownState({ unable: new Set(['192.0.2.1']) }));
    expect(peers.tick(7)[2]!.heartbeat).toMatchObject({ type: 'unable', entries: ['192.0.2.1'] });
  });

  test.each<Partial<Attachment>>([
    { interfaceName: 'eth1' },
    { mac: '02:00:00:00:00:02' },
    { address: '192.0.2.9' },
    { prefixLength: 25 },
    { hasDefaultRoute: false },
  ])('an attachment that is another one now: %j', (change) => {
    const peers = acquainted();
    const told = (...attachments: Attachment[]) => {
      peers.setOwn(ownState({ attachments }));
      return peers.tick(1).map(({ heartbeat }) => heartbeat.generation);
    };
    expect(told(attachment)).toEqual([1, 1, 1]);
    expect(told({ ...attachment })).toEqual([]);
    expect(told({ ...attachment, ...change })).toEqual([2, 2, 2]);
  });

  test('nothing but beats to a node that is unknown', () => {
    const peers = makePeers();
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1']) }));
    peers.release(['192.0.2.1']);
    const sent = ticks(peers, 0, 10_000).flatMap((each) => each.sent);
    expect(new Set(types(sent))).toEqual(new Set(['beat']));
  });

  test('to a dead one what has changed since: it may hear what is sent to it', () => {
    const peers = acquainted(['n2', 'n3']);
    peers.tick(1);
    peers.view(700);
    const before = ticks(peers, 700, 10_000).flatMap(({ sent }) => sent);
    expect(new Set(types(before))).toEqual(new Set(['beat']));
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1']) }));
    const later = ticks(peers, 10_050, 10_100).flatMap(({ sent }) => sent);
    const claims = later.filter(({ heartbeat }) => heartbeat.type === 'claims');
    expect(claims.map(({ node }) => node)).toEqual(['n2']);
  });

  test('everything every 5 s', () => {
    const peers = acquainted();
    const times = Array.from({ length: 400 }, (_, i) => i * 50).flatMap((nowMs) => {
      peers.received(from('n2'), FROM, nowMs);
      return peers.tick(nowMs).some(({ heartbeat }) => heartbeat.type === 'claims') ? [nowMs] : [];
    });
    expect(times).toEqual([0, 5_000, 10_000, 15_000]);
  });

  test('a release before the new table, and nothing when there was nothing', () => {
    const peers = makePeers();
    peers.setOwn(ownState({ claims: new Set(['192.0.2.1', '192.0.2.2']) }));
    peers.tick(0);
    peers.received(from('n2'), FROM, 0);
    peers.tick(1);
    peers.release(['192.0.2.1']);
    const sent = peers.tick(2);
    expect(types(sent)).toEqual(['release', 'claims', 'attach', 'unable']);
    expect(sent[0]!.heartbeat).toMatchObject({ generation: 2, entries: ['192.0.2.1'] });
    expect(sent[1]!.heartbeat).toMatchObject({ entries: ['192.0.2.2'] });
    peers.setOwn(ownState({ claims: new Set(['192.0.2.2']) }));
    expect(peers.tick(3)).toEqual([]);
  });

  test('what is let go and taken again between two ticks was never let go', () => {
    const peers = makePeers();
    const own = ownState({ claims: new Set(['192.0.2.1']) });
    peers.setOwn(own);
    peers.tick(0);
    peers.received(from('n2'), FROM, 0);
    peers.tick(1);
    peers.release(['192.0.2.1']);
    peers.setOwn(own);
    expect(types(peers.tick(2))).toEqual(['claims', 'attach', 'unable']);
  });

  test('leaving beats at 0, 20 and 50 ms, besides the others', () => {
    const peers = makePeers();
    peers.tick(0);
    const at = [10, 15, 20, 29, 30, 59, 60, 61, 70, 99];
    peers.setOwn(ownState({ isLeaving: true }));
    const sent = at.map((nowMs) => types(peers.tick(nowMs)).length);
    expect(sent).toEqual([1, 0, 0, 0, 1, 0, 1, 0, 0, 0]);
    expect(peers.tick(100)[0]!.heartbeat.isLeaving).toBe(true);
  });

  test('three leaving beats also where the ticks are wide apart', () => {
    const peers = makePeers();
    peers.tick(0);
    peers.setOwn(ownState({ isLeaving: true }));
    expect([1, 51, 52].map((nowMs) => peers.tick(nowMs).length)).toEqual([1, 1, 1]);
    expect(peers.tick(53)).toEqual([]);
  });
});

describe('asking', () => {
  test('when a generation is ahead of the tables that are here, an interval after all went quiet', () => {
    const peers = acquainted();
    ticks(peers, 0, 100);
    peers.received(from('n2', { generation: 1 }), FROM, 100);
    const asked = (fromMs: number, toMs: number) =>
      ticks(peers, fromMs, toMs)
        .filter(({ sent }) => types(sent).includes('ask'))
        .map(({ nowMs }) => nowMs);
    expect(asked(100, 250)).toEqual([]);
    peers.received(from('n2', { generation: 1 }, list('claims', '192.0.2.1')), FROM, 260);
    expect(asked(300, 700)).toEqual([500, 700]);
    peers.received(from('n2', { generation: 1 }, list('unable')), FROM, 710);
    peers.received(from('n2', { generation: 1 }, attach), FROM, 710);
    expect(asked(750, 1_300)).toEqual([]);
    expect(see(peers, 1_300)).toMatchObject({
      claims: new Set(['192.0.2.1']),
      attachments: [attachment],
    });
  });

  test('is answered with all tables, once for those that are on their way', () => {
    const peers = makePeers();
    const claims = Array.from({ length: 10_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    peers.setOwn(ownState({ claims: new Set(claims) }));
    peers.tick(0);
    peers.received(from('n2'), FROM, 0);
    const first = peers.tick(50);
    peers.received(from('n2', {}, { type: 'ask' }), FROM, 60);
    const second = peers.tick(100);
    const told = [...first, ...second];
    const names = told.flatMap(({ heartbeat }) =>
      heartbeat.type === 'claims' ? heartbeat.entries : [],
    );
    expect(names).toEqual(claims);
    expect(first.length).toBeLessThan(140);
    expect(types(peers.tick(110))).toEqual([]);
    peers.received(from('n2', {}, { type: 'ask' }), FROM, 120);
    expect(types(peers.tick(150)).filter((type) => type === 'claims').length).toBeGreaterThan(100);
    for (const { heartbeat } of told) {
      expect(encodeHeartbeat(heartbeat).length).toBeLessThanOrEqual(1_168);
    }
  });
});
