/** Lines as the real ipvsadm 1.31 printed them; test/kernel/list.test.ts compares with it live. */
import { describe, expect, test } from '@jest/globals';
import { NUMERIC } from '../../../../src/cli/listing/names.ts';
import { formatRules } from '../../../../src/cli/listing/save.ts';
import {
  type Columns,
  type ListedService,
  tableRows,
  tableTitles,
  versionLine,
} from '../../../../src/cli/listing/table.ts';
import * as c from '../../../../src/netlink/constants.ts';
import type { Counters, IpvsDestination, IpvsService } from '../../../../src/netlink/ipvs.ts';

const service = (fields: Partial<IpvsService> = {}): IpvsService => ({
  family: 'IPv4',
  protocol: 6,
  address: '10.0.0.1',
  port: 80,
  scheduler: 'rr',
  flags: c.IP_VS_SVC_F_HASHED,
  timeoutSec: 0,
  netmask: fields.family === 'IPv6' ? 128 : 0xffff_ffff,
  ...fields,
});

const destination = (fields: Partial<IpvsDestination> = {}): IpvsDestination => ({
  family: 'IPv4',
  address: '10.1.1.1',
  port: 8080,
  forwarding: c.IP_VS_CONN_F_MASQ,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
  ...fields,
});

/** The same numbers as totals and as rates. */
function counters(...numbers: readonly [bigint, bigint, bigint, bigint, bigint]): Counters {
  const [connections, inPackets, outPackets, inBytes, outBytes] = numbers;
  return {
    connections,
    inPackets,
    outPackets,
    inBytes,
    outBytes,
    connectionsPerSec: connections,
    inPacketsPerSec: inPackets,
    outPacketsPerSec: outPackets,
    inBytesPerSec: inBytes,
    outBytesPerSec: outBytes,
  };
}

function lines(services: readonly ListedService[], columns: Columns = 'normal', isExact = false) {
  const options = { columns, isExact, names: NUMERIC };
  return (tableTitles(options) + tableRows(services, options)).split('\n');
}

const serviceLine = (fields: Partial<IpvsService>) =>
  lines([{ service: service(fields), destinations: [] }])[2];

test('the version line', () => {
  expect(versionLine({ version: 0x010201, connectionTableSize: 4096 })).toBe(
    'IP Virtual Server version 1.2.1 (size=4096)\n',
  );
});

describe('service lines', () => {
  test('flags by the scheduler that reads them', () => {
    const flags = c.IP_VS_SVC_F_SCHED1 | c.IP_VS_SVC_F_SCHED2;
    expect(serviceLine({ scheduler: 'sh', flags })).toBe(
      'TCP  10.0.0.1:80 sh (sh-fallback,sh-port)',
    );
    expect(serviceLine({ scheduler: 'wrr', flags })).toBe('TCP  10.0.0.1:80 wrr (flag-1,flag-2)');
    expect(serviceLine({ scheduler: 'mh', flags: c.IP_VS_SVC_F_SCHED3 })).toBe(
      'TCP  10.0.0.1:80 mh ()',
    );
  });

  test('persistence with mask and engine, and one-packet scheduling', () => {
    const persistent = { flags: c.IP_VS_SVC_F_PERSISTENT, timeoutSec: 300 };
    expect(serviceLine({ ...persistent, netmask: 0xffff_ff00, peName: 'sip' })).toBe(
      'TCP  10.0.0.1:80 rr persistent 300 mask 255.255.255.0 pe sip',
    );
    expect(serviceLine({ ...persistent, family: 'IPv6', address: 'fd00::1', netmask: 64 })).toBe(
      'TCP  [fd00::1]:80 rr persistent 300 mask 64',
    );
    expect(serviceLine({ protocol: 17, flags: c.IP_VS_SVC_F_ONEPACKET })).toBe(
      'UDP  10.0.0.1:80 rr ops',
    );
  });

  test('marks are signed, protocols have four columns, unknown ones a question mark', () => {
    const mark = (fwmark: number, family: 'IPv4' | 'IPv6') =>
      lines([
        {
          service: { ...service({ family }), fwmark },
          destinations: [destination()],
        },
      ])[2];
    expect(mark(3_000_000_000, 'IPv4')).toBe('FWM  -1294967296 rr');
    expect(mark(8, 'IPv6')).toBe('FWM  8 IPv6 rr');
    expect(serviceLine({ protocol: 132 })).toBe('SCTP 10.0.0.1:80 rr');
    expect(serviceLine({ protocol: 47 })).toBe('?    10.0.0.1:80 rr');
  });
});

describe('names longer than their column', () => {
  const names = {
    host: (address: string) =>
      address.startsWith('10.') ? 'a-rather-long-name.example.org' : undefined,
    service: () => 'https',
  };
  const table = (one: ListedService) =>
    tableRows([one], { columns: 'normal', isExact: false, names }).split('\n').slice(0, 2);

  test('are cut with IPv4', () => {
    expect(table({ service: service(), destinations: [destination()] })).toEqual([
      'TCP  a-rather-long-name.example.o rr',
      '  -> a-rather-long-name.example.o Masq    1      0          0         ',
    ]);
  });

  test('push the columns with IPv6', () => {
    const address = '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff';
    const fields = { family: 'IPv6', address } as const;
    expect(table({ service: service(fields), destinations: [destination(fields)] })).toEqual([
      `TCP  [${address}]:https rr`,
      `  -> [${address}]:https Masq    1      0          0         `,
    ]);
  });

  test('end after 59 characters even when saved', () => {
    const long = { host: () => 'x'.repeat(70), service: () => 'https' };
    expect(formatRules([{ service: service(), destinations: [] }], long)).toBe(
      `-A -t ${'x'.repeat(59)} -s rr\n`,
    );
  });
});

test('each layout has its own columns', () => {
  const one: ListedService = {
    service: service(),
    destinations: [
      destination({
        forwarding: c.IP_VS_CONN_F_TUNNEL,
        tunnel: { type: c.IP_VS_CONN_F_TUNNEL_TYPE_GUE, port: 6080, flags: 1 },
        weight: 7,
        upperThreshold: 100,
        lowerThreshold: 50,
        activeConnections: 3,
        inactiveConnections: 4,
        persistentConnections: 5,
      }),
    ],
  };
  const of = (columns: Columns) => lines([one], columns).map((line) => line.replaceAll(' ', '·'));
  expect(of('normal')).toEqual([
    'Prot·LocalAddress:Port·Scheduler·Flags',
    '··->·RemoteAddress:Port···········Forward·Weight·ActiveConn·InActConn',
    'TCP··10.0.0.1:80·rr',
    '··->·10.1.1.1:8080················Tunnel··7······3··········4·········',
    '',
  ]);
  expect(of('tun-info').slice(1, 4)).toEqual([
    '··->·RemoteAddress:Port···········Forward·TunnelInfo····Weight·ActiveConn·InActConn',
    'TCP··10.0.0.1:80·rr',
    '··->·10.1.1.1:8080················Tunnel··gue:6080:+c···7······3··········4·········',
  ]);
  expect(of('thresholds').slice(0, 4)).toEqual([
    'Prot·LocalAddress:Port············Uthreshold·Lthreshold·ActiveConn·InActConn·',
    '··->·RemoteAddress:Port',
    'TCP··10.0.0.1:80·rr',
    '··->·10.1.1.1:8080················100········50·········3··········4·········',
  ]);
  expect(of('persistent-conn').slice(0, 4)).toEqual([
    'Prot·LocalAddress:Port············Weight····PersistConn·ActiveConn·InActConn·',
    '··->·RemoteAddress:Port',
    'TCP··10.0.0.1:80·rr',
    '··->·10.1.1.1:8080················7·········5···········3··········4·········',
  ]);
});

describe('counters', () => {
  const big: ListedService[] = [
    {
      service: service({
        counters: counters(4294967295n, 4294967296n, 4294967301n, 99999999999n, 100000000000n),
      }),
      destinations: [
        destination({
          port: 80,
          counters: counters(
            99999999999n,
            100000000000n,
            99999999999999n,
            100000000000000n,
            18446744073709551615n,
          ),
        }),
        destination({ port: 80, counters: counters(1n, 22n, 333n, 4444n, 55555n) }),
      ],
    },
  ];

  test('totals, scaled: a destination shows the low 32 bits of all but its bytes', () => {
    expect(lines(big, 'stats')).toEqual([
      'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
      '  -> RemoteAddress:Port',
      'TCP  10.0.0.1:80                     4294M    4294M    4294M   99999M     100G',
      '  -> 10.1.1.1:80                     1215M    1215M  276447K     100T18446744T',
      '  -> 10.1.1.1:80                         1       22      333     4444    55555',
      '',
    ]);
  });

  test('totals in full, 64 bits of them', () => {
    expect(lines(big, 'stats', true).slice(2, 4)).toEqual([
      'TCP  10.0.0.1:80                  4294967295 4294967296 4294967301 99999999999 100000000000',
      '  -> 10.1.1.1:80                  1215752191 1215752192 276447231 100000000000000 18446744073709551615',
    ]);
  });

  test("rates: a destination's connections and packets are never scaled", () => {
    expect(lines(big, 'rate').slice(0, 4)).toEqual([
      'Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS',
      '  -> RemoteAddress:Port',
      'TCP  10.0.0.1:80                     4294M    4294M    4294M   99999M     100G',
      '  -> 10.1.1.1:80                  1215752191 1215752192 276447231  276447K    4294M',
    ]);
  });

  test.each([
    [99_999_999n, ' 99999999'],
    [100_000_000n, '  100000K'],
    [999_999_999n, '  999999K'],
    [1_000_000_000n, '    1000M'],
    [99_999_999_999n, '   99999M'],
    [100_000_000_000n, '     100G'],
    [99_999_999_999_999n, '   99999G'],
    [100_000_000_000_000n, '     100T'],
  ])('%d is printed as "%s"', (value, text) => {
    const one = service({ counters: counters(value, 0n, 0n, 0n, 0n) });
    expect(lines([{ service: one, destinations: [] }], 'stats')[2]!.slice(33, 42)).toBe(text);
  });
});

test('rules to restore: mask, engine, flags, tunnels; thresholds are lost', () => {
  const tunnel = (type: number, port: number, flags: number) =>
    destination({ forwarding: c.IP_VS_CONN_F_TUNNEL, tunnel: { type, port, flags } });
  const listed: ListedService[] = [
    {
      service: service({
        protocol: 17,
        scheduler: 'sh',
        flags: 0x1 | 0x4 | 0x10,
        timeoutSec: 360,
        netmask: 0xff00_0000,
        peName: 'sip',
      }),
      destinations: [
        destination({ upperThreshold: 10 }),
        destination({ forwarding: c.IP_VS_CONN_F_DROUTE, weight: 0 }),
        destination({ forwarding: c.IP_VS_CONN_F_TUNNEL }),
        tunnel(1, 6080, 2),
        tunnel(2, 0, 0),
      ],
    },
  ];
  expect(formatRules(listed, NUMERIC).split('\n')).toEqual([
    '-A -u 10.0.0.1:80 -s sh -p 360 -M 255.0.0.0 --pe sip -o -b sh-port',
    '-a -u 10.0.0.1:80 -r 10.1.1.1:8080 -m -w 1',
    '-a -u 10.0.0.1:80 -r 10.1.1.1:8080 -g -w 0',
    '-a -u 10.0.0.1:80 -r 10.1.1.1:8080 -i -w 1 --tun-type ipip',
    '-a -u 10.0.0.1:80 -r 10.1.1.1:8080 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum',
    '-a -u 10.0.0.1:80 -r 10.1.1.1:8080 -i -w 1 --tun-type gre --tun-nocsum',
    '',
  ]);
});
