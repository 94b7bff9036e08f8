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
  [['--env', '1=2'], '"1=2" is not NAME=VALUE'],
  [['--kernel', 'bsd'], '"bsd" is none of uml,host'],
])('%j is refused', (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});
