import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { difference } from '../../../src/plan/difference.ts';
import { stateToJson } from '../../../src/plan/format.ts';
import { stateFromJson } from '../../../src/plan/stateFromJson.ts';
import { actualOf, desiredState } from './arbitraries.ts';

test('a state survives the way through JSON', () => {
  fc.assert(
    fc.property(desiredState, fc.boolean(), (desired, isWhole) => {
      const json = stateToJson(desired);
      const text = JSON.stringify(isWhole ? { desired: json, plan: [], problems: [] } : json);
      const read = stateFromJson(JSON.parse(text));
      if ('problems' in read) throw new Error(JSON.stringify(read.problems));
      const context = { isOwned: () => true, excludeCidrs: [] };
      expect(difference(desired, read.state, context)).toEqual([]);
      expect(difference(read.state, actualOf(desired), context)).toEqual([]);
      expect(stateToJson(read.state)).toEqual(json);
    }),
  );
});

test('any JSON value gives a state or problems, never an exception', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const json of [value, { desired: value }, { virtualServers: [value], ipsets: value }]) {
        const read = stateFromJson(json);
        expect('state' in read || read.problems.length > 0).toBe(true);
      }
    }),
  );
});
