/** Command lines of ipvsadm; the texts and exit codes of refusals are those of version 1.31. */
import { describe, expect, test } from '@jest/globals';
import { readOptions, requestFrom } from '../../../../src/cli/ipvsadm/commandLine.ts';
import type { KnownNames } from '../../../../src/cli/ipvsadm/values.ts';

const NAMES: KnownNames = {
  host: (name) => ({ 'db.example': '10.9.9.9', localhost: '127.0.0.1' })[name],
  port: (name, protocol) => (name === 'mysql' && protocol === 6 ? 3306 : undefined),
};

const words = (line: string) => (line === '' ? [] : line.split(' '));
const parse = (line: string) => requestFrom(readOptions(words(line)), NAMES, 'ipvsadm');

const TABLE = {
  command: 'table',
  columns: 'normal',
  isExact: false,
  isNumeric: false,
  isSorted: true,
};

describe('what is asked for', () => {
  test.each([
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
    ['-L -t 10.0.0.1:80', { protocol: 6, address: '10.0.0.1', port: 80 }],
    ['-L -t10.0.0.1:80', { protocol: 6, address: '10.0.0.1', port: 80 }],
    ['-L -t=10.0.0.1:80', { protocol: 6, address: '10.0.0.1', port: 80 }],
    ['-L --udp-service=10.1:080', { protocol: 17, address: '10.0.0.1', port: 80 }],
    ['-L -t 0x0a000001:+80', { protocol: 6, address: '10.0.0.1', port: 80 }],
    ['-L -t 10.0.0.1', { protocol: 6, address: '10.0.0.1', port: 0 }],
    ['-L --sctp-service [fd00::1]:80', { protocol: 132, address: 'fd00::1', port: 80 }],
    ['-L -t fd00::1:80', { protocol: 6, address: 'fd00::1:80', port: 0 }],
    ['-L -t db.example:mysql', { protocol: 6, address: '10.9.9.9', port: 3306 }],
    ['-L -t [::ffff:1.2.3.4]:80', { protocol: 6, address: '::ffff:102:304', port: 80 }],
    ['-L -t [db.example:8]:9', { protocol: 6, address: '10.9.9.9', port: 8 }],
  ])('%s', (line, selection) => {
    const family = selection.address.includes(':') ? 'IPv6' : 'IPv4';
    expect(parse(line)).toEqual({ ...TABLE, selection: { family, ...selection } });
  });

  test('a mark, and its IPv6 side', () => {
    const mark = (fwmark: number, family: string) => ({
      ...TABLE,
      selection: { fwmark, family },
    });
    expect(parse('-L -f 07')).toEqual(mark(7, 'IPv4'));
    expect(parse('-L -f 4294967295 -6 -6')).toEqual(mark(4_294_967_295, 'IPv6'));
  });
});

describe('what is refused', () => {
  const HINT = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";
  test.each([
    ['', 255, HINT],
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
    ['-L -t ::1:mysql', 2, 'illegal virtual server address[:port] specified'],
    ['-L -t fe80::1%lo:80', 2, 'illegal virtual server address[:port] specified'],
    ['-L -t [fe80::1%lo]:80', 2, 'illegal virtual server address[:port] specified'],
    ['-L -t 10.0.0.1\u00a0x:80', 2, 'illegal virtual server address[:port] specified'],
    ['-A -t 10.0.0.1:80 -p -M ::1', 2, 'illegal virtual server persistent mask specified'],
    ['-L -f 0', 2, "invalid fwmark value `0' specified"],
    ['-L -w x', 2, 'illegal weight specified'],
    ['-L -p 0', 2, "invalid timeout value `0' specified"],
    ['-L -t nosuch:80 --foo', 2, 'illegal virtual server address[:port] specified'],
    ['-L -u localhost:mysql', 2, 'illegal virtual server address[:port] specified'],
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
    expect(parse(line)).toMatchObject({ command: 'refused', exitCode, message });
  });
});

const SERVICE = { family: 'IPv4', protocol: 6, address: '10.0.0.1', port: 80 };
const SETTINGS = { scheduler: 'wlc', flags: 0, timeoutSec: 0, netmask: 0xffff_ffff };
const SERVER = { family: 'IPv4', address: '10.1.1.1', port: 80 };
const PLAIN = {
  forwarding: 3,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: { type: 0, port: 0, flags: 0 },
};

describe('what is to be changed', () => {
  test.each([
    ['-A -t 10.0.0.1:80', { command: 'add-service', service: { ...SERVICE, ...SETTINGS } }],
    [
      '-E -t 10.0.0.1:80 -s sh -p -M 24 -b sh-port,sh-fallback --pe sip',
      {
        command: 'edit-service',
        service: {
          ...SERVICE,
          scheduler: 'sh',
          flags: 0x19,
          timeoutSec: 360,
          netmask: 24,
          peName: 'sip',
        },
      },
    ],
    ['-D -t 10.0.0.1:80', { command: 'delete-service', service: SERVICE }],
    [
      '-a -t 10.0.0.1:80 -r 10.1.1.1',
      { command: 'add-server', service: SERVICE, destination: { ...SERVER, ...PLAIN } },
    ],
    [
      '-e -t 10.0.0.1:80 -r 10.1.1.1:8080 -m -w 0 -x 9 -y 8',
      {
        command: 'edit-server',
        service: SERVICE,
        destination: {
          ...SERVER,
          ...PLAIN,
          port: 8080,
          forwarding: 0,
          weight: 0,
          upperThreshold: 9,
          lowerThreshold: 8,
        },
      },
    ],
    // The port of -r is the service's where packets are not rewritten.
    [
      '-a -t 10.0.0.1:80 -r 10.1.1.1:8080 -i --tun-type gue --tun-port 6080 --tun-csum',
      {
        command: 'add-server',
        service: SERVICE,
        destination: {
          ...SERVER,
          ...PLAIN,
          forwarding: 2,
          tunnel: { type: 1, port: 6080, flags: 1 },
        },
      },
    ],
    [
      '-d -t 10.0.0.1:80 -r 10.1.1.1:8080',
      { command: 'delete-server', service: SERVICE, destination: { ...SERVER, port: 8080 } },
    ],
    ['-C', { command: 'flush' }],
    ['-Z', { command: 'zero' }],
    ['-Z -t 0.0.0.0', { command: 'zero' }],
    ['-Z -f 5 -6', { command: 'zero', service: { family: 'IPv6', fwmark: 5 } }],
    ['--set 1 2 0', { command: 'set', timeouts: { tcpSec: 1, tcpFinSec: 2, udpSec: 0 } }],
    [
      '--start-daemon backup --mcast-group ff02::1 --mcast-ttl 3',
      {
        command: 'start-daemon',
        daemon: {
          state: 2,
          multicastInterface: 'eth0',
          syncId: 0,
          multicastGroup: 'ff02::1',
          multicastTtl: 3,
        },
      },
    ],
    ['-R', { command: 'restore' }],
    ['-h --foo', { command: 'help' }],
  ])('%s', (line, request) => {
    expect(parse(line)).toEqual(request);
  });

  test('a name longer than its field is cut between characters', () => {
    const request = parse('-A -t 10.0.0.1:80 -s üüüüüüüüü');
    expect(request).toMatchObject({ service: { scheduler: 'üüüüüüü' } });
  });

  test('a mask means what the address before it makes of it', () => {
    const maskOf = (line: string) => {
      const request = parse(`-A ${line} -p 5`);
      return request.command === 'add-service' ? request.service.netmask : request;
    };
    expect(maskOf('-t 10.0.0.1:80 -M 255.255.0.0')).toBe(0xffff_0000);
    expect(maskOf('-t [fd00::1]:80 -M 64')).toBe(64);
    expect(maskOf('-M 64 -t [fd00::1]:80')).toBe(128);
    expect(maskOf('-M 255.255.0.0 -t 10.0.0.1:80')).toBe(0xffff_0000);
    expect(maskOf('-f 5 -M 255.0.0.0 -6')).toBe(128);
    expect(maskOf('-f 5 -6 -M 48x')).toBe(48);
    // atoi() keeps the low 32 bits.
    expect(maskOf('-f 5 -6 -M 4294967360')).toBe(64);
    expect(maskOf('-f 5 -6 -M 99999999999999999999')).toMatchObject({ command: 'refused' });
  });
});
