/** What `list` takes beyond ipvsadm, and what it leaves to ipvsadm's parser. */
import { expect, test } from '@jest/globals';
import { splitOwnOptions } from '../../../../src/cli/listing/ownOptions.ts';

const split = (line: string) => splitOwnOptions(line === '' ? [] : line.split(' '));

test.each([
  ['', {}, ''],
  ['-Ln -t 10.0.0.1:80 --stats', {}, '-Ln -t 10.0.0.1:80 --stats'],
  ['--services -n', { hasServices: true }, '-n'],
  ['-n -o json -X', { format: 'json' }, '-n -X'],
  ['-oyaml -n', { format: 'yaml' }, '-n'],
  ['--output=json', { format: 'json' }, ''],
  ['--watch -n', { watchMs: 2000 }, '-n'],
  ['--watch=0.5', { watchMs: 500 }, ''],
  ['--namespace shop', { hasServices: true, namespace: 'shop' }, ''],
  ['--service web -n', { hasServices: true, service: 'web' }, '-n'],
  ['--service shop/web', { hasServices: true, namespace: 'shop', service: 'web' }, ''],
  [
    '--namespace shop --service shop/web',
    { hasServices: true, namespace: 'shop', service: 'web' },
    '',
  ],
  ['--manifests a.yaml b.yaml -n', { isSourceGiven: true }, '-n'],
  ['--kubeconfig x -n', { isSourceGiven: true }, '-n'],
  // It describes the proxy and no cluster: the proxy on this node is asked all the same.
  ['--features f.yaml g.yaml -n', {}, '-n'],
  ['--agent-socket /x', { agentSocket: '/x' }, ''],
  // Behind the end of options nothing is ours.
  ['-L -- --services', {}, '-L -- --services'],
])('%s', (line, own, words) => {
  const { own: found, words: rest, problems } = split(line);
  expect(problems).toEqual([]);
  const { values: _, ...options } = found;
  expect(options).toEqual({ hasServices: false, isSourceGiven: false, format: 'text', ...own });
  expect(rest.join(' ')).toBe(words);
});

test.each([
  ['-o xml', '--output'],
  ['--watch=0', '--watch'],
  ['--watch=soon', '--watch'],
  ['--namespace bank --service shop/web', '--service'],
  ['--service', '--service'],
])('%s is refused', (line, path) => {
  expect(split(line).problems.map((problem) => problem.path)).toEqual([path]);
});
