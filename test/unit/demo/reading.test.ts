// What the demo reads from programs and from its own command line.

import { expect, test } from '@jest/globals';
import { besides } from '../../../demo/program/columns.ts';
import { parseOptions } from '../../../demo/program/options.mjs';
import { metricValues } from '../../../demo/program/proxies.ts';
import { rulesOf } from '../../../demo/program/rules.ts';
import { weightIn } from '../../../demo/program/weights.ts';

test('options in any order; anything else is an error', () => {
  expect(parseOptions([])).toEqual({ api: false, keep: false, help: false });
  expect(parseOptions(['--keep', '--api'])).toEqual({ api: true, keep: true, help: false });
  expect(() => parseOptions(['--apy'])).toThrow('--apy');
});

test('the weight of a destination of one virtual server', () => {
  const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600014:0050 rr
  -> 0AF4020A:1F90      Masq    7      0          0
UDP  0A60000A:0050 rr
  -> 0AF4020A:1F90      Masq    8      0          0
TCP  0A60000A:0050 rr
  -> 0AF4010A:1F90      Masq    1      0          3
  -> 0AF4020A:1F90      Masq    0      1          2
`;
  const weight = (destination: string) => weightIn(text, '10.96.0.10:80', destination);
  expect(weight('10.244.1.10:8080')).toBe(1);
  expect(weight('10.244.2.10:8080')).toBe(0);
  expect(weight('10.244.2.11:8080')).toBeUndefined();
});

test('rules of one chain with their packets', () => {
  const saved = `*nat
:KUBE-POSTROUTING - [0:0]
[1:60] -A POSTROUTING -j KUBE-POSTROUTING
[12:720] -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
[3:180] -A KUBE-POSTROUTING -j MASQUERADE --random-fully
COMMIT
`;
  const rules = rulesOf(saved, 'KUBE-POSTROUTING');
  expect(rules.map(({ packets }) => packets)).toEqual([12, 3]);
  expect(rules[1]?.text).toBe('-A KUBE-POSTROUTING -j MASQUERADE --random-fully');
});

test('values of one metric, whatever its labels', () => {
  const text = `# HELP kubeipvs_problems Objects
kubeipvs_problems 2
kubeipvs_problems_total 9
last{ip_family="IPv4"} 1.5e3
last{ip_family="IPv6"} 0
`;
  expect(metricValues(text, 'kubeipvs_problems')).toEqual([2]);
  expect(metricValues(text, 'last')).toEqual([1500, 0]);
  expect(metricValues(text, 'kubeipvs')).toEqual([]);
});

test('two texts stand side by side, a mark between lines that differ', () => {
  const text = besides(['ours', 'same\nleft'], ['theirs', 'same\nright\nmore'], 80);
  expect(text.split('\n')).toEqual(['ours │ theirs', 'same │ same', 'left ≠ right', '     ≠ more']);
});

test('where there is no room they stand one below the other', () => {
  const text = besides(['ours', 'a'], ['theirs', 'b'], 5);
  expect(text.split('\n')).toEqual(['ours:', 'a', '', 'theirs:', 'b']);
});
