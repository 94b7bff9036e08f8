import { expect, test } from '@jest/globals';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { flagTexts } from '../../../src/config/flagTexts.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';

const textsOf = (...words: string[]) => flagTexts(parseFlags(words, RUN_FLAGS).values);

test('every flag that is not gone has a text, in alphabetic order; of the others what is given', () => {
  const names = [...textsOf('--logtostderr').keys()];
  const present = RUN_FLAGS.filter(({ isGone }) => isGone !== true).map(({ name }) => name);
  expect(names).toEqual([...present, 'logtostderr'].toSorted());
});

// As kube-proxy 1.37.2 printed them.
test.each([
  ['--v=4', 'v', '4'],
  ['--config-sync-period=1m', 'config-sync-period', '1m0s'],
  ['--ipvs-exclude-cidrs=1.0.0.0/8,2.0.0.0/8', 'ipvs-exclude-cidrs', '[1.0.0.0/8,2.0.0.0/8]'],
  ['--feature-gates=KubeProxyIPVS=true,A=false', 'feature-gates', 'A=false,KubeProxyIPVS=true'],
  ['--vmodule=a=3,b=4', 'vmodule', 'a=3,b=4'],
  ['--kube-api-qps=2.5', 'kube-api-qps', '2.5'],
  ['--masquerade-all', 'masquerade-all', 'true'],
  ['--hostname-override=FOO', 'hostname-override', 'FOO'],
  ['--v=0', 'ipvs-exclude-cidrs', '[]'],
  ['--v=0', 'masquerade-all', 'false'],
  ['--v=0', 'cluster-cidr', ''],
  ['--v=0', 'v', '0'],
  ['--v=0', 'conntrack-tcp-timeout-established', '24h0m0s'],
  ['--v=0', 'oom-score-adj', '-999'],
  ['--v=0', 'version', 'false'],
])('%s: --%s is %j', (word, name, text) => {
  expect(textsOf(word).get(name)).toBe(text);
});
