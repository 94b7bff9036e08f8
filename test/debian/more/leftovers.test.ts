/** Rules of both variants of iptables beside each other: what CI has no time for. */
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../../support/e2e/cluster.ts';
import { buildProduct } from '../../support/e2e/productProcess.ts';
import { BothVariants, FOREIGN_RULE } from '../../support/lab/iptablesVariants.ts';
import { OneNode } from '../../support/lab/oneNode.ts';

let node: OneNode;
let rules: BothVariants;

beforeAll(buildProduct);
beforeEach(async () => {
  node = await OneNode.create();
  rules = new BothVariants(node);
});
afterEach(() => node.destroy());

test('what an earlier run left in nft goes once kubelet is in legacy', async () => {
  await rules.putHint('nft');
  await rules.putForeignRule('nft');
  await node.start();
  expect(await rules.jumps()).toEqual({ legacy: 0, nft: 2 });
  await node.stop();
  await rules.removeHint('nft');
  await rules.putHint('legacy');

  await node.start();
  expect(await rules.jumps()).toEqual({ legacy: 2, nft: 0 });
  expect(await rules.saved('nft')).not.toContain('KUBE-');
  expect(await rules.saved('nft')).toContain(FOREIGN_RULE);
  await node.answersOutside();
});

test('kubelet that comes later and into the other variant is followed', async () => {
  await rules.putForeignRule('nft');
  await node.start();
  expect(await rules.jumps()).toEqual({ legacy: 0, nft: 2 });
  await node.run('iptables-legacy -t mangle -N KUBE-KUBELET-CANARY');
  await eventually(async () => expect(await rules.jumps()).toEqual({ legacy: 2, nft: 0 }));
  expect(await rules.saved('nft')).toContain(FOREIGN_RULE);
  await node.answersOutside();
});

test('what another proxy left in the other variant stays as it is, and packets still pass', async () => {
  const theirs = [
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A KUBE-SERVICES -d 10.96.0.77/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA',
  ];
  const chains = [':KUBE-SERVICES - [0:0]', ':KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]'];
  const table = ['*nat', ...chains, ...theirs, 'COMMIT'].join('\n');
  await node.run(`iptables-legacy-restore -n <<'RULES'\n${table}\nRULES`);
  await rules.putHint('nft');
  await node.start();
  await node.answersOutside();
  await node.audits();
  expect(await rules.jumps()).toEqual({ legacy: 1, nft: 2 });
  const saved = await rules.saved('legacy');
  for (const line of theirs) expect(saved).toContain(line);
});
