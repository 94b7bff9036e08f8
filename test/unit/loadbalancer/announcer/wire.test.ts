import { describe, expect, test } from '@jest/globals';
import {
  attachment,
  firstOf,
  LISTENED_MS,
  member,
  OURS,
  owning,
  STRANGER,
  TestAnnouncer,
  THEIRS,
  upAndListening,
} from '../../../support/loadbalancer/announcing.ts';

describe('the wire', () => {
  test('a stranger who answers the probe keeps it, and is asked again', () => {
    const node = upAndListening();
    node.announce(OURS);
    node.after(0);
    node.probes[0]!.end(STRANGER);
    expect(node.after(4_999)).toEqual([]);
    expect(node.conflicts).toEqual([`${OURS} ${STRANGER.mac}`]);
    expect(node.after(1)).toEqual([`probe ${OURS} 2`]);
    node.probes[1]!.end();
    expect(node.after(0)).toHaveLength(2);
  });

  test('a node of ours that answers the probe is no conflict', () => {
    const node = upAndListening();
    node.announce(OURS);
    node.after(0);
    node.probes[0]!.end({ ...STRANGER, mac: attachment('n3').mac });
    node.after(0);
    expect(node.conflicts).toEqual([]);
    expect(node.announcer.claims.size).toBe(0);
  });

  test('a stranger who claims what works is told, and defended against', () => {
    const node = owning();
    node.announcer.heard(OURS, STRANGER, true, node.nowMs);
    expect(node.wire).toEqual([`defend ${OURS} against stranger`]);
    expect(node.conflicts).toEqual([`${OURS} ${STRANGER.mac}`]);
  });

  test('a node that is heard is not judged by the wire', () => {
    const node = owning();
    node.announcer.heard(OURS, { ...STRANGER, mac: attachment('n2').mac }, true, node.nowMs);
    expect(node.wire).toEqual([]);
    expect(node.conflicts).toEqual([]);
  });

  test.each([
    [OURS, [`defend ${OURS} against node`]],
    [THEIRS, [`silence ${THEIRS}`]],
  ])('of two on one segment that do not hear each other one has %s', (address, expected) => {
    const node = upAndListening({ probeBeforeUse: false });
    node.announce(address);
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    node.after(0);
    node.wire.length = 0;
    node.announcer.heard(address, { ...STRANGER, mac: attachment('n2').mac }, true, node.nowMs);
    expect(node.wire).toEqual(expected);
  });

  test('whom it has yielded to by the wire, and who is heard then, may fail at once', () => {
    const node = upAndListening({ probeBeforeUse: false });
    node.announce(THEIRS);
    node.hear({ n2: { state: 'Dead' }, n3: { state: 'Dead' } });
    node.after(0);
    node.announcer.heard(THEIRS, { ...STRANGER, mac: attachment('n2').mac }, true, node.nowMs);
    node.hear({ n2: { claims: new Set([THEIRS]) }, n3: { isReady: false } });
    node.after(1_000);
    node.hear({ n2: { state: 'Dead' }, n3: { isReady: false } });
    expect(node.after(0)).toEqual([`answer ${THEIRS} eth0`, `announce ${THEIRS}`]);
  });

  test('a probe that is no longer wanted says nothing', () => {
    const node = upAndListening();
    node.announce(OURS);
    node.after(0);
    node.hear({ n3: { claims: new Set([OURS]) } });
    node.after(0);
    node.probes[0]!.end();
    expect(node.after(0)).toEqual([]);
  });
});

describe('nobody is heard who should be there', () => {
  test('the wire is asked three times, in turn', () => {
    const node = new TestAnnouncer();
    node.deafen();
    node.serve(OURS, THEIRS);
    node.after(LISTENED_MS);
    node.announce(OURS, THEIRS);
    expect(node.after(0)).toEqual([`probe ${OURS} 3`]);
    const turn = 1 + Number(firstOf(THEIRS, ['n1', 'n3']) === 'n3');
    expect(node.after(turn * 1_000 - 1)).toEqual([]);
    expect(node.after(1)).toEqual([`probe ${THEIRS} 3`]);
    for (const probe of node.probes) probe.end();
    node.after(0);
    expect(new Set(node.announcer.claims)).toEqual(new Set([OURS, THEIRS]));
  });

  test('an announcement of somebody else makes it yield, and ask again', () => {
    const node = owning();
    node.deafen();
    node.after(0);
    node.announcer.heard(OURS, STRANGER, true, node.nowMs);
    expect(node.wire).toEqual([`silence ${OURS}`]);
    expect(node.conflicts).toEqual([]);
    expect(node.after(4_999)).toEqual([]);
    expect(node.after(1)).toEqual([`probe ${OURS} 3`]);
  });

  test('Nodes that are not Ready are not waited for', () => {
    const node = new TestAnnouncer({ probeBeforeUse: false });
    const off = { announcing: { ...member('n2').announcing, isNodeReady: false } };
    node.setMembers(member('n1'), member('n2', off), member('n3', off));
    node.deafen();
    node.serve(OURS);
    node.announce(OURS);
    expect(node.after(LISTENED_MS)).toEqual([`answer ${OURS} eth0`, `announce ${OURS}`]);
  });
});
