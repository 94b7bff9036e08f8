/**
 * The product while others change the same node as fast as they can, on another processor where the
 * lab has two: nothing of theirs is lost, nothing of ours goes wrong, and no connection fails.
 */
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/e2e/cluster.ts';
import { buildProduct } from '../support/e2e/productProcess.ts';
import { OneNode } from '../support/lab/oneNode.ts';

let node: OneNode;

beforeAll(buildProduct);
beforeEach(async () => {
  node = await OneNode.create();
});
afterEach(async () => {
  await rm(GOING_ON, { force: true });
  await node.destroy();
});

/**
 * Each goes on while the file is there, as fast as it can, and ends at the first thing that fails.
 */
const GOING_ON = '/run/others-go-on';
const OTHERS = {
  'a CNI plug-in, with rules of its own': `
    iptables -w -t nat -A POSTROUTING -s 10.99.0.0/16 -m comment --comment "pod $i" -j RETURN
    ip6tables -w -t filter -A FORWARD -s fd00:99::/64 -m comment --comment "pod $i" -j ACCEPT
    [ $i -lt 4 ] || iptables -w -t nat -D POSTROUTING -s 10.99.0.0/16 -m comment --comment "pod $((i - 4))" -j RETURN
    [ $i -lt 4 ] || ip6tables -w -t filter -D FORWARD -s fd00:99::/64 -m comment --comment "pod $((i - 4))" -j ACCEPT`,
  'kubelet, which restores its chains': `
    printf '*mangle\\n:KUBE-IPTABLES-HINT - [0:0]\\n:KUBE-KUBELET-CANARY - [0:0]\\nCOMMIT\\n*filter\\n:KUBE-FIREWALL - [0:0]\\nCOMMIT\\n' |
      iptables-restore -w --noflush`,
  'a policy engine, with sets that come and go': `
    ipset create other-$i hash:ip
    ipset add other-$i 10.99.0.$((i % 250 + 1))
    [ $i -lt 4 ] || ipset destroy other-$((i - 4))`,
  'a load balancer, with virtual servers': `
    ipvsadm -A -t 192.0.2.200:$((i + 1)) -s wlc
    ipvsadm -a -t 192.0.2.200:$((i + 1)) -r 10.99.0.1:80 -m
    [ $i -lt 4 ] || ipvsadm -D -t 192.0.2.200:$((i - 3))`,
  'a routing daemon, with addresses': `
    ip address add 10.98.0.$((i % 250 + 1))/32 dev lo
    [ $i -lt 4 ] || ip address delete 10.98.0.$(((i - 4) % 250 + 1))/32 dev lo`,
};
const ROUNDS = 12;

const script = (step: string) =>
  `set -e\ni=0\nwhile [ -e ${GOING_ON} ] && [ $i -lt ${ROUNDS} ]; do${step}\ni=$((i + 1))\ndone\necho $i`;

const virtualServers = async () =>
  (await node.run('ipvsadm -Sn'))
    .match(/^-A .*$/gm)!
    .map((line) => line.trim())
    .toSorted();

test('others that write as fast as they can keep what is theirs, and clients are answered', async () => {
  // A race takes two: an emulated kernel has them.
  const needed = process.env['KUBE_IPVS_LAB'] === 'debian' ? 2 : 1;
  expect(cpus().length).toBeGreaterThanOrEqual(needed);
  await node.run(`touch ${GOING_ON}; iptables -t mangle -N KUBE-IPTABLES-HINT`);
  await node.start();
  await node.answersOutside();
  const before = await virtualServers();
  const others = Object.values(OTHERS).map((step) => node.run(script(step)));
  const over = { isIt: false };
  const all = Promise.all(others).finally(() => (over.isIt = true));

  let asked = 0;
  for (let services = 1; !over.isIt; services = (services % 20) + 1) {
    await node.alsoServe(services);
    // Each is masqueraded, goes through the rules and meets IPVS while all of them are written.
    expect(await node.askOutside()).toMatchObject({ kind: 'answered', by: 'web' });
    asked++;
  }
  expect((await all).map(Number)).toEqual(Object.keys(OTHERS).map(() => ROUNDS));
  expect(asked).toBeGreaterThan(0);

  await node.alsoServe(0);
  const last = [8, 9, 10, 11];
  const theirs = last.flatMap((i) => [
    `-A -t 192.0.2.200:${i + 1} -s wlc`,
    // ours, on the addresses that the routing daemon has left
    `-A -t 10.98.0.${i + 1}:30080 -s rr`,
  ]);
  await eventually(async () =>
    expect(await virtualServers()).toEqual([...before, ...theirs].toSorted()),
  );
  const nat = await node.run('iptables-save -t nat');
  const filter = await node.run('ip6tables-save -t filter');
  for (const text of [nat, filter]) {
    expect(text.match(/"pod \d+"/g)).toEqual(last.map((i) => `"pod ${i}"`));
  }
  const sets = (await node.run('ipset list -n'))
    .split('\n')
    .filter((name) => name.startsWith('other'));
  expect(sets.toSorted()).toEqual(last.map((i) => `other-${i}`).toSorted());
  const addresses = (await node.run('ip -4 -br address show lo')).match(/10\.98\.0\.\d+/g);
  expect(addresses).toEqual(last.map((i) => `10.98.0.${i + 1}`));

  const log = await node.stop();
  expect(log).not.toMatch(/^E/m);
  const again = await node.start();
  expect(again.log).toMatch(/first sync done.*operations=0 failed=0/);
});
