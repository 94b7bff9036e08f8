/**
 * Native nft rules in the tables that iptables-nft uses, as firewalls write them: what cannot be
 * said in iptables' words hides a whole table from iptables-save, and a restarted firewall flushes
 * everybody's rules.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { patience } from '../lab/patience.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { buildProduct } from '../support/e2e/productProcess.ts';
import { OneNode } from '../support/lab/oneNode.ts';

let node: OneNode;

beforeAll(async () => {
  await buildProduct();
  node = await OneNode.create();
});
afterAll(() => node.destroy());

/** In `ip filter` itself: whatever is forwarded is dropped unless a rule accepts it. */
const FIREWALL = `
table ip filter {
  set bad { type ipv4_addr; flags interval; elements = { 203.0.113.0/24 } }
  chain INPUT {
    type filter hook input priority filter; policy accept;
    ip saddr @bad counter drop
  }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    ct state vmap { invalid : drop }
    ip saddr @bad counter drop
  }
}
table inet mine {
  chain watch {
    type filter hook prerouting priority raw; policy accept;
    meta l4proto tcp counter
  }
}`;

/** One a family. */
const FORWARD_JUMPS = 2;

const load = () => node.run(`nft -f - <<'RULES'${FIREWALL}\nRULES`);
const ruleset = () => node.run('nft list ruleset');
const count = (text: string, part: string) => text.split(part).length - 1;

test('our rules stand among them, let packets pass, and come back when everything is flushed', async () => {
  await load();
  expect(await node.run('iptables-nft-save 2>&1')).toMatch(/table .filter. is incompatible/i);
  await node.start();
  await node.answersOutside();
  await bothStandThere();

  // as `systemctl restart nftables`
  await node.run('nft flush ruleset');
  await load();
  await eventually(bothStandThere, patience(120_000));
  await node.answersOutside();
  expect((await node.audits()).join('\n')).not.toContain('corrected');
  await bothStandThere();
});

async function bothStandThere() {
  const rules = await ruleset();
  expect(count(rules, 'jump KUBE-FORWARD')).toBe(FORWARD_JUMPS);
  expect(count(rules, 'ip saddr @bad')).toBe(2);
  for (const theirs of ['policy drop', 'ct state vmap { invalid : drop }', 'table inet mine']) {
    expect(count(rules, theirs)).toBe(1);
  }
}
