/**
 * Rules of both variants of iptables beside each other, as on nodes whose distribution or kubelet
 * has gone from one to the other: packets meet both, and nobody who lists one sees the other.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildProduct } from '../support/e2e/productProcess.ts';
import { BothVariants, FOREIGN_RULE } from '../support/lab/iptablesVariants.ts';
import { OneNode } from '../support/lab/oneNode.ts';

let node: OneNode;

beforeAll(async () => {
  await buildProduct();
  node = await OneNode.create();
});
afterAll(() => node.destroy());

test('what an earlier run left in legacy goes once kubelet is in nft, and what others have there stays', async () => {
  const rules = new BothVariants(node);
  await rules.putHint('legacy');
  await rules.putForeignRule('legacy');
  await node.start();
  await node.answersOutside();
  expect(await rules.jumps()).toEqual({ legacy: 2, nft: 0 });
  await node.stop();
  await rules.removeHint('legacy');
  await rules.putHint('nft');

  await node.start();
  expect(await rules.jumps()).toEqual({ legacy: 0, nft: 2 });
  expect(await rules.saved('legacy')).not.toContain('KUBE-');
  expect(await rules.saved('legacy')).toContain(FOREIGN_RULE);
  await node.answersOutside();
  expect((await node.audits()).join('\n')).not.toContain('corrected');
});
