/**
 * The `FLAG:` lines of the log beside those of the real kube-proxy: the same command line, the same
 * names and the same texts.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { RUN_FLAGS } from '../../src/config/flags.ts';
import { flagTexts } from '../../src/config/flagTexts.ts';
import { parseFlags } from '../../src/config/parseFlags.ts';
import { findBinary } from '../tools/kubernetes.mjs';

/** Whose default is ours on purpose, or hangs on the mode. */
const OWN_DEFAULTS = new Set([
  'detect-local-mode',
  'iptables-min-sync-period',
  'ipvs-min-sync-period',
  'ipvs-scheduler',
  'proxy-mode',
  // Where each of the two writes its file.
  'write-config-to',
]);

const WORDS = [
  '--cluster-cidr=10.0.0.0/8',
  '--config-sync-period=1m',
  '--conntrack-max-per-core=0',
  '--feature-gates=KubeProxyIPVS=true,ComponentFlagz=true',
  '--hostname-override=FOO',
  '--ipvs-exclude-cidrs=1.0.0.0/8,2.0.0.0/8',
  '--ipvs_strict-arp',
  '--ipvs-tcp-timeout=90m',
  '--kube-api-qps=2.5',
  '--log-flush-frequency=7s',
  '--masquerade-all=T',
  '--metrics-port=99',
  '--nodeport-addresses=primary,10.0.0.0/8',
  '--oom-score-adj=-1',
  '--profiling',
  '--vmodule=a=3,b*=4',
  '-v=1',
];

test('flags have the texts of kube-proxy', () => {
  const { stderr } = spawnSync(
    findBinary('kube-proxy')!,
    [...WORDS, '--write-config-to=/dev/null'],
    {
      encoding: 'utf8',
    },
  );
  const lines = [...stderr.matchAll(/\] FLAG: --([\w-]+)="(.*)"$/gm)];
  expect(lines.length).toBeGreaterThan(50);
  const ours = flagTexts(parseFlags(WORDS, RUN_FLAGS).values);
  const compared = lines.filter(([, name]) => !OWN_DEFAULTS.has(name!));
  expect(compared.map(([, name]) => `${name}=${ours.get(name!)}`)).toEqual(
    compared.map(([, name, text]) => `${name}=${text}`),
  );
  expect(lines.filter(([, name]) => !ours.has(name!))).toEqual([]);
});
