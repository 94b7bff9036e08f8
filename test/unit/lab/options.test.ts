import { expect, test } from '@jest/globals';
import { parseOptions } from '../../lab/options.mjs';

test('options end where the command begins; the command keeps its own', () => {
  const options = parseOptions(['--timeout', '60', '--env', 'A=b=c', 'ls', '--timeout', '1']);
  expect(options).toMatchObject({
    timeoutSec: 60,
    env: ['A=b=c'],
    command: ['ls', '--timeout', '1'],
    tty: false,
  });
});

test('two dashes end the options, for commands that begin with one', () => {
  expect(parseOptions(['--quiet', '--', '--version']).command).toEqual(['--version']);
});

test('a command has half an hour, a shell has a terminal and no limit', () => {
  expect(parseOptions(['true'])).toMatchObject({ timeoutSec: 1800, tty: false });
  expect(parseOptions([])).toMatchObject({ timeoutSec: 0, tty: true, command: [] });
});

test.each([
  [['--nets', 'x'], 'unknown option --nets'],
  [['--timeout'], '--timeout needs a value'],
  [['--timeout', 'soon'], '"soon" is not a number of seconds'],
  [['--cpu', 'last'], '--cpu: "last" is not a CPU number'],
  [['--env', '1=2'], '"1=2" is not NAME=VALUE'],
  [['--kernel', 'bsd'], '--kernel: "bsd" is none of uml, host, debian, debian-VERSION'],
  [['--kernel', 'debian-'], '--kernel: "debian-" is none of'],
])('%j is refused', (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});

test.each([
  ['uml', { kind: 'uml' }],
  ['host', { kind: 'host' }],
  ['debian', { kind: 'debian' }],
  ['debian-6.1', { kind: 'debian', version: '6.1' }],
  ['debian-6.12.100+deb12-amd64', { kind: 'debian', version: '6.12.100+deb12-amd64' }],
])('the kernel %s is asked for by option or by variable', (text, kernel) => {
  expect(parseOptions(['--kernel', text]).kernel).toEqual(kernel);
  expect(parseOptions(['true'], { KUBE_IPVS_LAB_KERNEL: text }).kernel).toEqual(kernel);
});

test('the option wins over the variable, and a variable that makes no sense is refused', () => {
  const env = { KUBE_IPVS_LAB_KERNEL: 'debian' };
  expect(parseOptions(['--kernel', 'uml'], env).kernel).toEqual({ kind: 'uml' });
  expect(parseOptions(['true']).kernel).toBeUndefined();
  expect(() => parseOptions(['true'], { KUBE_IPVS_LAB_KERNEL: 'bsd' })).toThrow(
    'KUBE_IPVS_LAB_KERNEL: "bsd" is none of',
  );
});
