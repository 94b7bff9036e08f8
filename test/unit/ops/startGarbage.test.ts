import { expect, test } from '@jest/globals';
import { collectGarbage } from '../../../src/ops/startGarbage.ts';

test('what nobody holds any more is gone afterwards', () => {
  const held = { garbage: Array.from({ length: 1000 }, () => ({})) as object[] | undefined };
  const reference = new WeakRef(held.garbage![0]!);
  held.garbage = undefined;
  return new Promise<void>((resolve) => {
    // A WeakRef keeps its target until the turn ends.
    setImmediate(() => {
      collectGarbage();
      expect(reference.deref()).toBeUndefined();
      resolve();
    });
  });
});
