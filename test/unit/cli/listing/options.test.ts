/** Command lines of a listing; the texts and exit codes of refusals are those of ipvsadm 1.31. */
import { describe, expect, test } from '@jest/globals';
import { parseListOptions } from '../../../../src/cli/listing/options.ts';

const parse = (line: string) => parseListOptions(line === '' ? [] : line.split(' '), 'ipvsadm');

const TABLE = {
  command: 'table',
  columns: 'normal',
  isExact: false,
  isNumeric: false,
  isSorted: true,
};

describe('what is asked for', () => {
  test.each([
    ['', TABLE],
    ['-L', TABLE],
    ['--list --sort', TABLE],
    ['-Ln', { ...TABLE, isNumeric: true }],
    ['-l -n --nosort', { ...TABLE, isNumeric: true, isSorted: false }],
    ['-L --rate --stats -X', { ...TABLE, columns: 'stats', isExact: true }],
    ['-L --tun-info --persistent-conn', { ...TABLE, columns: 'persistent-conn' }],
    ['-L --syncid 5', TABLE],
    ['-S -n', { command: 'save', isNumeric: true }],
    ['-L --timeout', { command: 'timeouts' }],
    ['-Ln --daemon', { command: 'daemons' }],
    ['-Lnc', { command: 'connections', isNumeric: true, hasEngineColumns: false }],
    [
      '-L -c --persistent-conn',
      { command: 'connections', isNumeric: false, hasEngineColumns: true },
    ],
  ])('%s', (line, request) => {
    expect(parse(line)).toEqual(request);
  });

  test.each([
    ['-L -t 10.0.0.1:80', { protocol: 6, host: '10.0.0.1', port: 80 }],
    ['-L -t10.0.0.1:80', { protocol: 6, host: '10.0.0.1', port: 80 }],
    ['-L -t=10.0.0.1:80', { protocol: 6, host: '10.0.0.1', port: 80 }],
    ['-L --udp-service=10.1:080', { protocol: 17, host: '10.0.0.1', port: 80 }],
    ['-L -t 0x0a000001:+80', { protocol: 6, host: '10.0.0.1', port: 80 }],
    ['-L -t 10.0.0.1', { protocol: 6, host: '10.0.0.1', port: 0 }],
    ['-L --sctp-service [fd00::1]:80', { protocol: 132, host: 'fd00::1', port: 80 }],
    ['-L -t fd00::1:80', { protocol: 6, host: 'fd00::1:80', port: 0 }],
    [
      '-L -t db.example:mysql',
      { protocol: 6, host: { name: 'db.example' }, port: { name: 'mysql' } },
    ],
  ])('%s', (line, selection) => {
    expect(parse(line)).toEqual({ ...TABLE, selection: { kind: 'address', ...selection } });
  });

  test('a mark, and its IPv6 side', () => {
    const mark = (fwmark: number, family: string) => ({
      ...TABLE,
      selection: { kind: 'mark', fwmark, family },
    });
    expect(parse('-L -f 07')).toEqual(mark(7, 'IPv4'));
    expect(parse('-L -f 4294967295 -6 -6')).toEqual(mark(4_294_967_295, 'IPv6'));
  });
});

describe('what is refused', () => {
  const HINT = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";
  test.each([
    ['-nL', 255, HINT],
    ['foo', 255, HINT],
    ['-L --num', 255, '--num: unknown option'],
    ['-Lq', 255, '-Lq: unknown option'],
    ['-L -t', 255, '-t: missing argument'],
    ['-L -n=5', 255, '-n=5: option does not take an argument'],
    ['-Ln foo', 2, 'unexpected argument foo'],
    ['-L -- -n', 2, 'unexpected argument -n'],
    ['-L -n -n', 2, "multiple 'numeric' options specified"],
    ['-L -Sn', 2, "invalid option `-Sn'"],
    ['-L -t 10', 2, 'illegal virtual server address[:port] specified'],
    ['-L -t 10.0.0.1:65536', 2, 'illegal virtual server address[:port] specified'],
    ['-L -t [fd00::1]', 2, 'illegal virtual server address[:port] specified'],
    ['-L -f 0', 2, "invalid fwmark value `0' specified"],
    ['-L -6 -f 7', 2, '-6 used before -f\n'],
    ['-L -w 5 -s rr', 2, "Illegal 'scheduler' option with the 'list' command"],
    ['-S --stats', 2, "Illegal 'stats' option with the 'save' command"],
    [
      '-L --timeout -c',
      2,
      "The option 'timeout' conflicts with the 'connection' option in the 'list' command",
    ],
    ['-L --daemon --rate', 2, 'options conflicts in the list command'],
    // The first thing wrong in reading order wins over what is wrong together.
    ['-L -s rr --foo', 255, '--foo: unknown option'],
  ])('%s', (line, exitCode, message) => {
    expect(parse(line)).toEqual({ command: 'refused', exitCode, message });
  });

  test.each(['-A -t 10.0.0.1:80', '-C', '--set 1 2 3', '-Z', '-R'])('%s changes things', (line) => {
    expect(parse(line)).toMatchObject({ command: 'refused', exitCode: 2 });
  });
});
