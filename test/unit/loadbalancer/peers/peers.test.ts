/** Who is believed to be what, by what was heard and when. */
import { describe, expect, test } from '@jest/globals';
import {
  FROM,
  OWN_BOOT,
  acquainted,
  from,
  list,
  makePeers,
  see,
  ticks,
} from '../../../support/loadbalancer/onePeer.ts';
import { nodesOf } from '../../../support/loadbalancer/peerProcess.ts';

describe('refused is', () => {
  test.each([
    ['a node that is none', from('n9'), FROM, 'unknownNode'],
    ['a datagram from another node’s address', from('n2'), '10.0.0.3', 'sourceAddress'],
    ['our own name', from('n1'), '10.0.0.1', 'ownName'],
    ['a process that does not echo us', from('n2', { echo: { bootId: 8n, sequence: 1n } }), FROM],
    [
      'one that echoes what we never sent',
      from('n2', { echo: { bootId: 7n, sequence: 99n } }),
      FROM,
    ],
    ['one that echoes nothing', from('n2', { echo: { bootId: 0n, sequence: 0n } }), FROM],
    [
      'a list in more parts than any node has',
      from('n2', {}, { type: 'claims', part: 0, parts: 1025, entries: ['192.0.2.1'] }),
      FROM,
      'parts',
    ],
  ])('%s', (_, heartbeat, address, reason = 'unacceptedBoot') => {
    const peers = makePeers(['n2', 'n3']);
    peers.tick(0);
    expect(peers.received(heartbeat, address, 0)).toBe(reason);
    expect([...peers.view(0).values()].map(({ state }) => state)).toEqual(['Unknown', 'Unknown']);
    expect(peers.everHeard.size).toBe(0);
  });

  test('what was heard before, even before it was accepted', () => {
    const peers = makePeers();
    peers.tick(0);
    const early = from('n2', { echo: { bootId: 0n, sequence: 0n } });
    const beat = from('n2');
    expect(peers.received(early, FROM, 0)).toBe('unacceptedBoot');
    expect(peers.received(beat, FROM, 0)).toBeUndefined();
    expect([early, beat].map((each) => peers.received(each, FROM, 10))).toEqual([
      'replay',
      'replay',
    ]);
  });

  test('nothing of a node that is one of ours, from any of its addresses', () => {
    const peers = makePeers();
    peers.setNodes([{ name: 'n2', addresses: [FROM, 'fd00::2'] }]);
    peers.tick(0);
    expect(peers.received(from('n2'), 'fd00::2', 0)).toBeUndefined();
    expect(see(peers, 0).state).toBe('Alive');
  });
});

describe('states', () => {
  test('alive until misses × interval have passed in silence, and dead from then on', () => {
    const peers = acquainted();
    expect(see(peers, 599)).toMatchObject({ state: 'Alive', silenceMs: 599, isReady: true });
    expect(see(peers, 600)).toMatchObject({ state: 'Dead', silenceMs: 600, aliveForMs: 0 });
    expect(peers.everHeard).toEqual(new Set(['n2']));
  });

  test('with many nodes beats are rarer and death comes later', () => {
    const others = Array.from({ length: 199 }, (_, i) => `n${i + 2}`);
    const peers = acquainted(others);
    expect(see(peers, 1_790).state).toBe('Alive');
    expect(see(peers, 3 * 199 * 3).state).toBe('Dead');
    const sent = ticks(peers, 2_000, 11_950).flatMap((each) => each.sent);
    const toOne = sent.filter(({ node }) => node === 'n3').length;
    expect(toOne).toBeGreaterThanOrEqual(16);
    expect(toOne).toBeLessThanOrEqual(17);
  });

  test('a late datagram that is not the latest one says that it lives, and nothing else', () => {
    const peers = acquainted();
    const old = from('n2', { isReady: false, generation: 1 });
    peers.received(from('n2', { isLeaving: true }), FROM, 100);
    peers.received(old, FROM, 500);
    expect(see(peers, 1_000)).toMatchObject({ state: 'Leaving', isReady: true, silenceMs: 500 });
    expect(see(peers, 1_100).state).toBe('Dead');
  });

  test('a dead one claims nothing; when it is back, what it has not changed since', () => {
    const peers = acquainted();
    peers.received(from('n2', { generation: 1 }, list('claims', '192.0.2.9')), FROM, 10);
    const { claims } = see(peers, 10);
    expect(claims).toEqual(new Set(['192.0.2.9']));
    expect(see(peers, 700).claims.size).toBe(0);
    peers.received(from('n2', { generation: 1 }), FROM, 800);
    expect(see(peers, 800).claims).toBe(claims);
    expect(see(peers, 2_000).state).toBe('Dead');
    peers.received(from('n2', { generation: 2 }), FROM, 2_100);
    expect(see(peers, 2_100)).toMatchObject({ state: 'Alive', claims: new Set() });
  });

  test('death goes unseen by nobody: silence ends it even if we look only afterwards', () => {
    const peers = acquainted();
    peers.received(from('n2', { generation: 1 }, list('claims', '192.0.2.9')), FROM, 10);
    peers.received(from('n2', { generation: 2 }), FROM, 610);
    expect(see(peers, 610)).toMatchObject({ state: 'Alive', claims: new Set(), aliveForMs: 0 });
  });

  test('how long it is alive: as its process says, but for one that comes and goes', () => {
    const peers = acquainted();
    expect(see(peers, 100).aliveForMs).toBe(5_100);
    peers.received(from('n2', { ageMs: 7_000 }), FROM, 2_000);
    expect(see(peers, 2_100).aliveForMs).toBe(100);
    peers.received(from('n2', { isReady: false, ageMs: 0 }), FROM, 2_200);
    expect(see(peers, 2_300)).toMatchObject({ isReady: false, aliveForMs: 0 });
  });

  test('after a pause of ours everybody alive has its time anew, and the dead stay dead', () => {
    const peers = acquainted(['n2', 'n3']);
    peers.received(from('n3', { sequence: 1n, bootId: 3n }), '10.0.0.3', 500);
    peers.tick(650);
    peers.paused(60_000);
    const states = (nowMs: number) => [...peers.view(nowMs).values()].map(({ state }) => state);
    expect(states(60_000)).toEqual(['Dead', 'Alive']);
    expect(see(peers, 60_000).silenceMs).toBe(60_000);
    expect(states(60_599)).toEqual(['Dead', 'Alive']);
    expect(states(60_600)).toEqual(['Dead', 'Dead']);
  });

  test('a node that is none any more is forgotten', () => {
    const peers = acquainted();
    peers.setNodes(nodesOf(['n3']));
    expect([...peers.view(10).keys()]).toEqual(['n3']);
    expect(peers.everHeard.size).toBe(0);
    expect(peers.received(from('n2'), FROM, 10)).toBe('unknownNode');
  });
});

describe('whether it hears us', () => {
  const echoing = (number: bigint) => from('n2', { echo: { bootId: OWN_BOOT, sequence: number } });

  test('depends on the age of what it echoes when it speaks', () => {
    const peers = acquainted();
    const sent = ticks(peers, 50, 1_000).flatMap(({ nowMs, sent: some }) =>
      some.map(({ heartbeat }) => ({ nowMs, number: heartbeat.sequence })),
    );
    const { nowMs, number } = sent.at(-1)!;
    const hearsUsAt = (ageMs: number) => {
      peers.received(echoing(number), FROM, nowMs + ageMs);
      return see(peers, nowMs + ageMs).hearsUs;
    };
    expect([1, 580, 600].map(hearsUsAt)).toEqual([true, true, false]);
    expect(see(peers, nowMs + 600).state).toBe('Alive');
    peers.received(echoing(number - 1n), FROM, nowMs + 610);
    expect(see(peers, nowMs + 610).hearsUs).toBe(false);
  });

  test('is not put in doubt by an answer to a process that is none', () => {
    const peers = acquainted();
    peers.received(from('n2', { echo: { bootId: 99n, sequence: 1n } }), FROM, 100);
    expect(see(peers, 100).hearsUs).toBe(true);
  });
});

test('a view is the same object within a moment, and so are its sets as long as they hold the same', () => {
  const peers = acquainted();
  const view = peers.view(100);
  expect(peers.view(100)).toBe(view);
  peers.received(from('n2', {}, list('claims')), FROM, 110);
  const later = see(peers, 120);
  expect(later.claims).toBe(view.get('n2')!.claims);
  expect(later.unable).toBe(view.get('n2')!.unable);
  expect(later.attachments).toBe(view.get('n2')!.attachments);
});

describe('news, which does not wait for the next tick, is', () => {
  const known = () => {
    const peers = acquainted();
    peers.tick(50);
    return peers;
  };

  test.each([
    ['a list that is not known yet', { generation: 1 }, list('claims', '192.0.2.9')],
    ['addresses that are let go', { generation: 1 }, list('release', '192.0.2.9')],
    ['what it cannot serve', { generation: 1 }, list('unable', '192.0.2.9')],
    ['that it leaves', { isLeaving: true }, undefined],
    ['another process of it', { bootId: 11n, echo: { bootId: OWN_BOOT, sequence: 3n } }, undefined],
  ])('%s', (_, given, body) => {
    const peers = known();
    expect(peers.hasNews).toBe(false);
    expect(peers.received(from('n2', given, body), FROM, 60)).toBeUndefined();
    expect(peers.hasNews).toBe(true);
    peers.tick(60);
    expect(peers.hasNews).toBe(false);
  });

  test.each([
    ['a beat', undefined],
    ['a list that is told again', list('claims')],
    ['a question', { type: 'ask' as const }],
  ])('not %s', (_, body) => {
    const peers = known();
    expect(peers.received(from('n2', {}, body), FROM, 60)).toBeUndefined();
    expect(peers.hasNews).toBe(false);
  });

  test('not that it still leaves', () => {
    const peers = known();
    peers.received(from('n2', { isLeaving: true }), FROM, 60);
    peers.tick(60);
    peers.received(from('n2', { isLeaving: true }), FROM, 70);
    expect(peers.hasNews).toBe(false);
  });
});
