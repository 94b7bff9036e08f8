import { expect, test } from '@jest/globals';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
import { parseFlags } from '../../../src/config/parseFlags.ts';

const parse = (...words: string[]) => {
  const { values, problems } = parseFlags(words, RUN_FLAGS);
  return { values: Object.fromEntries(values), problems };
};
const values = (...words: string[]) => {
  const { values: read, problems } = parse(...words);
  expect(problems).toEqual([]);
  return read;
};

test('a value is attached with "=" or follows', () => {
  expect(values('--ipvs-scheduler=wrr', '--cluster-cidr', '10.244.0.0/16')).toEqual({
    'ipvs-scheduler': 'wrr',
    'cluster-cidr': '10.244.0.0/16',
  });
});

test.each([
  [['-v', '2'], 2],
  [['-v=2'], 2],
  [['-v2'], 2],
  [['--v=2'], 2],
  [['--v', '0x10'], 16],
  [['-v=1', '-v=4'], 4],
])('%j is a verbosity', (words, verbosity) => {
  expect(values(...words)).toEqual({ v: verbosity });
});

test('a switch needs no value and takes one only with "="', () => {
  expect(values('--masquerade-all')).toEqual({ 'masquerade-all': true });
  expect(values('--masquerade-all=false', '--ipvs-strict-arp=T')).toEqual({
    'masquerade-all': false,
    'ipvs-strict-arp': true,
  });
  const { problems } = parse('--masquerade-all', 'false');
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ path: 'arguments', value: 'false' });
});

test('underscores stand for dashes', () => {
  expect(values('--masquerade_all', '--conntrack_min=1')).toEqual({
    'masquerade-all': true,
    'conntrack-min': 1,
  });
});

test('a value may begin with a dash or hold "="', () => {
  expect(values('--oom-score-adj', '-998', '--kubeconfig=a=b')).toEqual({
    'oom-score-adj': -998,
    kubeconfig: 'a=b',
  });
});

test.each([2 ** 31 - 1, -(2 ** 31)])('a number may be as far from zero as %d', (number) => {
  expect(values(`--oom-score-adj=${number}`)).toEqual({ 'oom-score-adj': number });
});

test('lists are separated by commas and add up', () => {
  expect(
    values('--nodeport-addresses=10.0.0.0/8,fd00::/8', '--nodeport-addresses', 'primary'),
  ).toEqual({ 'nodeport-addresses': ['10.0.0.0/8', 'fd00::/8', 'primary'] });
  expect(values('--nodeport-addresses=')).toEqual({ 'nodeport-addresses': [] });
});

test('several paths may follow --manifests, and it may be repeated', () => {
  expect(values('--manifests', 'a', 'b', '--manifests=c', '-v', '1')).toEqual({
    manifests: ['a', 'b', 'c'],
    v: 1,
  });
});

test('maps and patterns add up', () => {
  expect(
    values('--feature-gates=A=true,B=false', '--feature-gates', 'B=true', '--vmodule=x=1,y=2'),
  ).toEqual({
    'feature-gates': { A: true, B: true },
    vmodule: [
      { filePattern: 'x', verbosity: 1 },
      { filePattern: 'y', verbosity: 2 },
    ],
  });
});

test('durations are read as Go reads them', () => {
  expect(values('--ipvs-sync-period=90s', '--ipvs-min-sync-period=0')).toEqual({
    'ipvs-sync-period': '1m30s',
    'ipvs-min-sync-period': '0s',
  });
});

test('version and help stand alone', () => {
  expect(values('--version', '-h')).toEqual({ version: 'true', help: true });
  expect(values('--version=raw')).toEqual({ version: 'raw' });
});

test.each([
  ['--ipvs-schedular=rr', '--ipvs-schedular', '--ipvs-scheduler'],
  ['--scheduler=rr', '--scheduler', '--ipvs-scheduler'],
  ['--proxy_mod=ipvs', '--proxy_mod', '--proxy-mode'],
  ['-config=x', '-config=x', '--config'],
])('%s is unknown, and a suggestion is made', (word, path, suggested) => {
  const { problems } = parse(word);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ path });
  expect(problems[0]?.problem).toContain(`did you mean ${suggested}?`);
});

test('the value of an unknown flag is not reported once more', () => {
  expect(parse('--no-such-thing-at-all', 'value', '-x', 'value').problems).toHaveLength(2);
});

test.each([
  [['--conntrack-min=x'], '--conntrack-min', 'x'],
  [['--conntrack-min=1.5'], '--conntrack-min', '1.5'],
  [['--conntrack-min=2147483648'], '--conntrack-min', '2147483648'],
  [['--oom-score-adj=-2147483649'], '--oom-score-adj', '-2147483649'],
  [['--conntrack-min='], '--conntrack-min', ''],
  [['--kube-api-qps=much'], '--kube-api-qps', 'much'],
  [['--ipvs-sync-period=30'], '--ipvs-sync-period', '30'],
  [['--masquerade-all=maybe'], '--masquerade-all', 'maybe'],
  [['--feature-gates=A'], '--feature-gates', 'A'],
  [['--vmodule=a=b'], '--vmodule', 'a=b'],
  [['--log-json-info-buffer-size=1KB'], '--log-json-info-buffer-size', '1KB'],
  [['--version=x'], '--version', 'x'],
  [['--manifests='], '--manifests', ''],
])('%j is refused', (words, path, value) => {
  const { problems, values: read } = parse(...words);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ path, value });
  expect(read).toEqual({});
});

test('a flag at the end lacks its value', () => {
  expect(parse('--kubeconfig').problems).toEqual([
    { path: '--kubeconfig', value: undefined, problem: 'needs a value (string)' },
  ]);
});

test('arguments are an error, after "--" too', () => {
  const { problems } = parse('one', '--', '--two');
  expect(problems.map(({ value }) => value)).toEqual(['one', '--two']);
});

test.each(['0', '64Ki', '1.5M', '100m', '1E', '1e3', '-1Gi'])('%s is a quantity', (text) => {
  expect(values(`--log-json-info-buffer-size=${text}`)).toEqual({
    'log-json-info-buffer-size': text,
  });
});

test.each(['Ki', '1 Ki', '1KB', '1.2.3', '0x10'])('%j is no quantity', (text) => {
  const { problems } = parse(`--log-json-info-buffer-size=${text}`);
  expect(problems.map(({ problem }) => problem)).toEqual(['must be a quantity such as 64Ki']);
});
