import { describe, expect, test } from '@jest/globals';
import {
  announced,
  attachment,
  firstOf,
  LISTENED_MS,
  member,
  OURS,
  owning,
  peer,
  STRANGER,
  TestAnnouncer,
  THEIRS,
  upAndListening,
} from '../../../support/loadbalancer/announcing.ts';

describe('taking', () => {
  test('an address that nobody ever had: the wire is asked first', () => {
    const node = upAndListening();
    node.announce(OURS, THEIRS);
    expect(node.after(0)).toEqual([`probe ${OURS} 2`]);
    expect(node.after(200)).toEqual([]);
    node.probes[0]!.end();
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    expect(node.own?.claims).toEqual(new Set([OURS]));
    expect(node.moves).toEqual([
      { address: OURS, isOurs: true, why: 'first', interfaces: ['eth0'] },
    ]);
  });

  test('without probeBeforeUse at once', () => {
    const node = upAndListening({ probeBeforeUse: false });
    node.announce(OURS);
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
  });

  test('nothing before it has listened for three intervals', () => {
    const node = new TestAnnouncer({ probeBeforeUse: false });
    node.serve(OURS);
    node.announce(OURS);
    expect(node.after(LISTENED_MS - 1)).toEqual([]);
    expect(node.after(1)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
  });

  test('nor does it say until then that it is ready: others would wait for it', () => {
    const node = new TestAnnouncer();
    node.after(LISTENED_MS - 1);
    expect(node.own).toMatchObject({ isReady: false });
    node.after(1);
    expect(node.own).toMatchObject({ isReady: true });
    node.setFacts({ attachments: [] });
    node.setFacts({ attachments: [attachment('n1')] });
    node.after(0);
    expect(node.own).toMatchObject({ isReady: true });
  });

  test('nor while somebody alive has not told where it is attached, for ten', () => {
    const node = new TestAnnouncer({ probeBeforeUse: false });
    node.hear({ n2: { attachments: undefined } });
    node.serve(OURS);
    node.announce(OURS);
    expect(node.after(1_999)).toEqual([]);
    expect(node.after(1)).toHaveLength(2);
  });

  test('nothing before the kernel is programmed', () => {
    const node = upAndListening();
    node.setFacts({ readySinceMs: undefined });
    node.announce(OURS);
    expect(node.after(10_000)).toEqual([]);
    expect(node.own?.isReady).toBe(false);
  });

  test('what another one has stays there, whatever the order says', () => {
    const node = upAndListening();
    node.hear({ n3: { claims: new Set([OURS]) } });
    node.announce(OURS);
    expect(node.after(0)).toEqual([]);
  });

  test("a dead one's address without asking the wire", () => {
    const node = upAndListening();
    node.hear({ n3: { claims: new Set([OURS]) } });
    node.announce(OURS);
    node.after(0);
    node.hear({ n3: { state: 'Dead', silenceMs: 612, claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    expect(node.moves).toEqual([
      { address: OURS, isOurs: true, why: 'failover', interfaces: ['eth0'], silenceMs: 612 },
    ]);
  });

  test('one of a node that leaves, while that one still answers', () => {
    const node = upAndListening();
    node.hear({ n2: { claims: new Set([THEIRS]) } });
    node.announce(THEIRS);
    node.after(0);
    node.hear({ n2: { state: 'Leaving', claims: new Set([THEIRS]) }, n3: { isReady: false } });
    expect(node.after(0)).toEqual([`answer ${THEIRS} eth0`, `announce ${THEIRS}`]);
    expect(node.moves[0]).toMatchObject({ why: 'handedOver' });
  });

  test('what another one let go of without a word: the wire is asked, until it says why', () => {
    const node = upAndListening({ probeBeforeUse: false });
    node.announce(OURS);
    node.hear({ n2: { claims: new Set([OURS]) } });
    node.after(0);
    node.hear({});
    expect(node.after(0)).toEqual([`probe ${OURS} 2`]);
    node.hear({ n2: { unable: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    node.probes[0]!.end(STRANGER);
    expect(node.after(0)).toEqual([]);
    expect(node.announcer.claims.has(OURS)).toBe(true);
  });

  test('not what a node claims that does not hear this one', () => {
    const node = upAndListening({ probeBeforeUse: false });
    node.hear({ n2: { state: 'Leaving', hearsUs: false, claims: new Set([OURS]) } });
    node.announce(OURS);
    expect(node.after(0)).toEqual([]);
  });
});

describe('a node that cannot serve', () => {
  test('says so after a second, and takes it when it can', () => {
    const node = upAndListening({ probeBeforeUse: false });
    node.serve();
    node.announce(OURS);
    node.after(0);
    node.after(999);
    expect(node.own?.unable).toEqual(new Set());
    node.after(1);
    expect(node.own?.unable).toEqual(new Set([OURS]));
    node.hear({ n3: { claims: new Set([OURS]) } });
    node.serve(OURS);
    node.after(0);
    expect(node.own?.unable).toEqual(new Set());
  });

  test('gives up what it has, at once and by name', () => {
    const node = owning();
    node.serve();
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    expect(node.released).toEqual([OURS]);
    expect(node.own).toMatchObject({ claims: new Set(), unable: new Set([OURS]) });
    expect(node.moves.at(-1)).toMatchObject({ isOurs: false, why: 'released' });
  });
});

describe('giving', () => {
  test('to a better one: answers until that one claims', () => {
    const node = owning();
    node.setMembers(
      member('n1', { announcing: { ...member('n1').announcing, isCordoned: true } }),
      member('n2'),
      member('n3'),
    );
    expect(node.after(50)).toEqual([]);
    const other = firstOf(OURS, ['n2', 'n3']);
    node.hear({ [other]: { claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    expect(node.moves.at(-1)).toMatchObject({ isOurs: false, why: 'handedOver' });
    expect(node.after(1_000)).toEqual([]);
  });

  test('of two that hear each other the better keeps it', () => {
    const node = owning();
    node.hear({ n2: { claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([]);
  });

  test('to one that does not hear this one, though it is no better', () => {
    const node = owning();
    node.hear({ n2: { claims: new Set([OURS]), hearsUs: false } });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
  });

  test('when its last endpoint is gone, nobody answers', () => {
    const node = owning();
    node.announcer.setAddress(announced(OURS, []), node.nowMs);
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
  });

  test('when the Service is gone', () => {
    const node = owning();
    node.announcer.removeAddress(OURS, node.nowMs);
    expect(node.after(0)).toEqual([]);
    expect(node.wire).toEqual([`silence ${OURS}`]);
    expect(node.moves.at(-1)).toMatchObject({ isOurs: false, why: 'gone' });
    expect(node.own?.claims).toEqual(new Set());
  });

  test('on purpose, and not back before holdDown', () => {
    const node = owning({ holdDownMs: 60_000 });
    expect(node.announcer.release([OURS], node.nowMs)).toEqual([]);
    expect(node.after(0)).toEqual([]);
    expect(node.own?.unable).toEqual(new Set([OURS]));
    const other = firstOf(OURS, ['n2', 'n3']);
    node.hear({ [other]: { claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    node.after(59_000);
    expect(node.own?.unable).toEqual(new Set([OURS]));
    node.after(1_000);
    expect(node.own?.unable).toEqual(new Set());
  });

  test('on purpose, and back when nobody else may have it any more', () => {
    const node = owning();
    node.announcer.release([OURS], node.nowMs);
    const other = firstOf(OURS, ['n2', 'n3']);
    node.hear({ [other]: { claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    expect(node.own?.unable).toEqual(new Set());
  });

  test('on purpose not where nobody else may have it', () => {
    const node = owning();
    node.hear({ n2: { state: 'Dead' }, n3: { isReady: false } });
    node.after(0);
    expect(node.announcer.release([OURS], node.nowMs)).toEqual([OURS]);
    expect(node.after(0)).toEqual([]);
  });

  test('at its end: tells, answers on, and goes when others have it', () => {
    const node = owning();
    node.setFacts({ isLeaving: true });
    expect(node.after(20)).toEqual([]);
    expect(node.own?.isLeaving).toBe(true);
    const other = firstOf(OURS, ['n2', 'n3']);
    node.hear({ [other]: { claims: new Set([OURS]) } });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    expect(node.announcer.claims.size).toBe(0);
  });

  test('at its end with nobody else there it answers to the last', () => {
    const node = owning();
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    node.after(0);
    node.setFacts({ isLeaving: true });
    expect(node.after(400)).toEqual([]);
  });
});

describe('interfaces', () => {
  test('an interface that comes answers too, announced there', () => {
    const node = owning();
    const second = { ...attachment('n1'), interfaceName: 'eth1' };
    node.setFacts({ attachments: [attachment('n1'), second] });
    expect(node.after(0)).toEqual([`answer ${OURS} eth0,eth1`, `announce ${OURS}`]);
  });

  test('a cable that is back: it listens as in the beginning, and asks the wire', () => {
    const node = owning({ probeBeforeUse: false });
    node.setFacts({ attachments: [] });
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    node.after(5_000);
    node.wire.length = 0;
    node.setFacts({ attachments: [attachment('n1')] });
    expect(node.after(LISTENED_MS - 1)).toEqual([]);
    expect(node.after(1)).toEqual([`probe ${OURS} 2`]);
    node.probes.at(-1)!.end();
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
  });

  test('without any that reaches the subnet it releases', () => {
    const node = owning();
    node.setFacts({ attachments: [] });
    node.after(0);
    const other = firstOf(OURS, ['n2', 'n3']);
    node.hear({ [other]: { claims: new Set([OURS]) } });
    node.after(0);
    expect(node.wire).toEqual([`silence ${OURS}`]);
  });
});

describe('after a pause', () => {
  test('nothing is answered until it is known that nobody else has it', () => {
    const node = owning();
    node.announcer.paused(390, node.nowMs);
    expect(node.after(399)).toEqual([]);
    expect(node.wire).toEqual([`silence ${OURS}`]);
    expect(node.own?.claims).toEqual(new Set([OURS]));
    expect(node.after(1)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
  });

  test('so long that it was dead to the others, it does not claim what was its own', () => {
    const node = owning();
    node.announcer.paused(400, node.nowMs);
    expect(node.after(399)).toEqual([]);
    expect(node.own?.claims).toEqual(new Set());
    expect(node.after(1)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    expect(node.own?.claims).toEqual(new Set([OURS]));
  });

  test('what others have taken meanwhile is theirs', () => {
    const node = owning();
    node.announcer.paused(5_000, node.nowMs);
    node.hear({ n3: { claims: new Set([OURS]) } });
    node.after(0);
    expect(node.own?.claims).toEqual(new Set());
    expect(node.after(1_000)).toEqual([]);
    expect(node.moves.at(-1)).toMatchObject({ isOurs: false, why: 'handedOver' });
  });
});

describe('without the API server', () => {
  const away = { unreachableSinceMs: 0 };
  const claimed = { claims: new Set([OURS]) };

  test('what one claims that has it is given to that one, whatever was known before', () => {
    const node = owning();
    node.setFacts(away);
    node.announce(OURS);
    // Here only n1 has endpoints; n2 knows otherwise.
    node.announcer.setAddress(announced(OURS, ['n1']), node.nowMs);
    node.hear({ n2: { ...claimed, isApiServerReachable: false } });
    expect(node.after(0)).toEqual([]);
    node.hear({ n2: claimed });
    expect(node.after(0)).toEqual([`silence ${OURS}`]);
    expect(node.after(60_000)).toEqual([]);
  });

  test.each([
    ['leaves', { state: 'Leaving' as const }],
    ['cannot serve it', { unable: new Set([OURS]) }],
  ])('what one claims that %s is taken all the same', (_, given) => {
    const node = upAndListening();
    node.setFacts(away);
    node.announce(OURS);
    node.hear({ n2: { ...claimed, ...given } });
    expect(node.after(0)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
    expect(node.after(1_000)).toEqual([]);
    expect(node.announcer.claims.has(OURS)).toBe(true);
  });
});

describe('cut off', () => {
  test('from most of the others and from the API server: it stops', () => {
    const node = owning();
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    node.after(0);
    node.setFacts({ unreachableSinceMs: node.nowMs });
    expect(node.after(4_999)).toEqual([]);
    expect(node.after(1)).toEqual([`silence ${OURS}`]);
    expect(node.released).toEqual([OURS]);
  });

  test('half of the nodes are enough', () => {
    const node = owning();
    node.everHeard = new Set(['n2']);
    node.view = new Map([['n2', peer('n2', { state: 'Dead' })]]);
    node.setFacts({ unreachableSinceMs: node.nowMs });
    expect(node.after(10_000)).toEqual([]);
  });
});

test('a preferred node takes an address back when it has been up for holdDown', () => {
  const node = upAndListening({ holdDownMs: 60_000 });
  node.setFacts({ readySinceMs: node.nowMs });
  node.hear({ n2: { claims: new Set([THEIRS]) } });
  const preferred = { announcing: { ...member('n1').announcing, labels: { role: 'edge' } } };
  node.setMembers(member('n1', preferred), member('n2'), member('n3'));
  const pool = {
    announce: [
      {
        nodeSelectors: [],
        serviceSelectors: [],
        interfaces: [],
        preferredNodes: [{ weight: 1, selector: { matchLabels: { role: 'edge' } } }],
      },
    ],
  };
  node.announcer.setAddress({ ...announced(THEIRS), pool }, node.nowMs);
  expect(node.after(59_000)).toEqual([]);
  expect(node.after(1_000)).toEqual([`answer ${THEIRS} eth0`, `announce ${THEIRS}`]);
});

test('thousands are looked at in pieces, those whose owner went first', () => {
  const node = upAndListening({ probeBeforeUse: false });
  const many = Array.from({ length: 1_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const last = many.at(-1)!;
  node.hear({ n2: { claims: new Set([last]) } });
  node.serve(...many);
  node.announce(...many);
  node.after(0);
  node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
  node.wire.length = 0;
  expect(node.announcer.tick(node.nowMs, 1)).toBe(true);
  expect(node.wire).toEqual([`answer ${last} eth0`, `announce ${last}`]);
});
