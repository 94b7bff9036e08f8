import { expect, test } from '@jest/globals';
import { Surroundings } from '../../../../src/loadbalancer/announcer/surroundings.ts';
import { attachment, member, peer } from '../../../support/loadbalancer/announcing.ts';
import { settingsOf } from '../../../support/loadbalancer/balanced.ts';

const HOLD_DOWN_MS = 60_000;

test('time alone matters when somebody becomes old enough, or is young again', () => {
  const settings = { ...settingsOf([]).announcer, holdDownMs: HOLD_DOWN_MS };
  const around = new Surroundings('n1', settings, new Set(), 0);
  const members = [member('n1'), member('n2')];
  around.setMembers(new Map(members.map((each) => [each.name, each])));
  const own = { readySinceMs: 0, isLeaving: false, unreachableSinceMs: undefined };
  around.setOwn({ ...own, attachments: [attachment('n1')] }, 0);
  const hear = (aliveForMs: number) =>
    around.setView(new Map([['n2', peer('n2', { aliveForMs })]]), new Set(['n2']));

  hear(HOLD_DOWN_MS);
  expect(around.age(1_000)).toBe(true);
  expect(around.age(2_000)).toBe(false);
  expect(around.age(HOLD_DOWN_MS - 1)).toBe(false);
  expect(around.age(HOLD_DOWN_MS)).toBe(true);
  expect(around.age(HOLD_DOWN_MS + 1_000)).toBe(false);
  // It was restarted so fast that it was not taken for dead.
  hear(0);
  expect(around.age(HOLD_DOWN_MS + 2_000)).toBe(true);
  expect(around.age(HOLD_DOWN_MS + 3_000)).toBe(false);
});
