/** The way of a packet through hooks, chains and IPVS, with rules made for one question each. */
import { describe, expect, test } from '@jest/globals';
import type { Chains } from '../../../src/dataplane/tables.ts';
import {
  type DataplaneState,
  destinationKey,
  emptyState,
  serverKey,
} from '../../../src/dataplane/state.ts';
import type { Packet, Verdict } from '../../../src/trace/packet.ts';
import { tracePacket } from '../../../src/trace/tracePacket.ts';

const VIP = '10.96.0.1';
const NODE = '192.168.0.1';
const OUTSIDE: Packet = {
  inInterface: 'eth0',
  source: '203.0.113.9',
  destination: VIP,
  protocol: 'TCP',
  port: 80,
};
const FROM_NODE: Packet = { source: NODE, destination: VIP, protocol: 'TCP', port: 80 };

interface Given {
  readonly nat?: readonly string[];
  readonly filter?: readonly string[];
  readonly weights?: readonly number[];
  readonly sets?: DataplaneState['ipsets'];
}

/** A virtual server 10.96.0.1:80/TCP with a destination 10.244.1.N:8080 for each weight. */
function state({ nat = [], filter = [], weights = [1], sets = new Map() }: Given): DataplaneState {
  const destinations = weights.map((weight, i) => {
    const destination = { address: `10.244.1.${i + 1}`, port: 8080, weight };
    return [destinationKey(destination), destination] as const;
  });
  const server = {
    address: VIP,
    port: 80,
    protocol: 'TCP',
    scheduler: 'rr',
    flags: [],
    destinations: new Map(destinations),
  } as const;
  const none = emptyState();
  return {
    ...none,
    virtualServers: new Map([[serverKey(server), server]]),
    addresses: new Set([VIP]),
    ipsets: sets,
    iptables: { ...none.iptables, IPv4: { nat: chains(nat), filter: chains(filter) } },
  };
}

/** Rules by their chain; a bare name is a chain without rules. */
function chains(rules: readonly string[]): Chains {
  const byChain = new Map<string, string[]>();
  for (const rule of rules) {
    const chain = rule.startsWith('-A ') ? rule.split(' ')[1]! : rule;
    byChain.set(chain, [...(byChain.get(chain) ?? []), ...(rule === chain ? [] : [rule])]);
  }
  return byChain;
}

const trace = (given: Given, packet: Packet = OUTSIDE): Verdict =>
  tracePacket(state(given), new Set([NODE]), packet);

const served = (...endpoints: readonly [string, boolean][]): Verdict => ({
  kind: 'endpoints',
  endpoints: endpoints.map(([endpoint, isMasqueraded]) => ({ endpoint, isMasqueraded })),
});
const plainly = served(['10.244.1.1:8080', false]);
const masqueraded = served(['10.244.1.1:8080', true]);

describe('without rules', () => {
  test('a virtual server answers, from wherever', () => {
    expect(trace({})).toEqual(plainly);
    expect(trace({}, FROM_NODE)).toEqual(plainly);
  });

  test('draining destinations get nothing new, and only draining ones refuse', () => {
    expect(trace({ weights: [0, 1, 5] })).toEqual(
      served(['10.244.1.2:8080', false], ['10.244.1.3:8080', false]),
    );
    expect(trace({ weights: [0] })).toEqual({ kind: 'refused' });
    expect(trace({ weights: [] })).toEqual({ kind: 'refused' });
  });

  test('another port or protocol is no Service: the host has it', () => {
    expect(trace({}, { ...OUTSIDE, port: 81 })).toEqual({ kind: 'host' });
    expect(trace({}, { ...OUTSIDE, protocol: 'UDP' })).toEqual({ kind: 'host' });
    expect(trace({}, { ...FROM_NODE, port: 81 })).toEqual({ kind: 'host' });
  });

  test('local are loopback, the interfaces and what is bound; the rest is routed on', () => {
    const at = (destination: string) => trace({}, { ...OUTSIDE, destination, port: 22 }).kind;
    expect(['127.0.0.1', '::1', NODE, VIP].map(at)).toEqual(['host', 'host', 'host', 'host']);
    expect(at('192.0.2.1')).toBe('notLocal');
  });

  test('the destination of a server on IPv6 is told in brackets', () => {
    const none = emptyState();
    const destination = { address: 'fd00:244::5', port: 8080, weight: 1 };
    const server = {
      address: 'fd00:96::1',
      port: 80,
      protocol: 'TCP',
      scheduler: 'rr',
      flags: [],
      destinations: new Map([[destinationKey(destination), destination]]),
    } as const;
    const given: DataplaneState = {
      ...none,
      virtualServers: new Map([[serverKey(server), server]]),
      addresses: new Set([server.address]),
    };
    const packet: Packet = { ...OUTSIDE, source: '2001:db8::9', destination: server.address };
    expect(tracePacket(given, new Set(), packet)).toEqual(served(['[fd00:244::5]:8080', false]));
  });
});

describe('hooks', () => {
  test('from outside INPUT is passed and not nat OUTPUT, from here OUTPUT and not INPUT', () => {
    const input = { filter: ['-A INPUT -j DROP'] };
    expect(trace(input)).toEqual({ kind: 'dropped' });
    expect(trace(input, FROM_NODE)).toEqual(plainly);
    const mark = '-j MARK --set-xmark 0x1/0x1';
    const masquerade = '-A POSTROUTING -m mark --mark 0x1/0x1 -j MASQUERADE';
    const prerouting = { nat: [`-A PREROUTING ${mark}`, masquerade] };
    expect([trace(prerouting), trace(prerouting, FROM_NODE)]).toEqual([masqueraded, plainly]);
    const output = { nat: [`-A OUTPUT ${mark}`, masquerade] };
    expect([trace(output), trace(output, FROM_NODE)]).toEqual([plainly, masqueraded]);
  });

  test('a rejecting rule refuses', () => {
    const given = { filter: ['-A INPUT -j REJECT --reject-with tcp-reset'] };
    expect(trace(given)).toEqual({ kind: 'refused' });
  });

  test('behind IPVS filter OUTPUT sees the endpoint, and drops one of two', () => {
    const sets = new Map([
      [
        'ONE',
        { name: 'ONE', type: 'hash:ip', family: 'IPv4', entries: new Set(['10.244.1.1']) } as const,
      ],
    ]);
    const filter = ['-A OUTPUT -m set --match-set ONE dst -j DROP'];
    expect(trace({ filter, sets, weights: [1, 1] })).toEqual(served(['10.244.1.2:8080', false]));
    expect(trace({ filter, sets })).toEqual({ kind: 'dropped' });
  });

  test('behind IPVS the port is the endpoint’s and no interface is left', () => {
    const sets = new Map([
      [
        'PORT',
        { name: 'PORT', type: 'bitmap:port', family: 'IPv4', entries: new Set(['8080']) } as const,
      ],
    ]);
    const nat = ['-A POSTROUTING ! -i eth0 -m set --match-set PORT dst -j MASQUERADE'];
    expect(trace({ nat, sets })).toEqual(masqueraded);
  });

  test('a mark that POSTROUTING takes away is there again for the next endpoint', () => {
    const nat = [
      '-A PREROUTING -j MARK --set-xmark 0x1/0x1',
      '-A POSTROUTING -m mark ! --mark 0x1/0x1 -j RETURN',
      '-A POSTROUTING -j MARK --set-xmark 0x1/0x0',
      '-A POSTROUTING -j MASQUERADE',
    ];
    expect(trace({ nat, weights: [1, 1] })).toEqual(
      served(['10.244.1.1:8080', true], ['10.244.1.2:8080', true]),
    );
  });

  test('what a process here sends to an address of this node goes out and in again by lo', () => {
    const own = { ...FROM_NODE, destination: NODE };
    expect(trace({ filter: ['-A INPUT -i lo -j REJECT'] }, own)).toEqual({ kind: 'refused' });
    expect(trace({ filter: ['-A OUTPUT -j DROP'] }, own)).toEqual({ kind: 'dropped' });
    expect(trace({ filter: ['-A OUTPUT -j ACCEPT', '-A INPUT -i eth0 -j DROP'] }, own)).toEqual({
      kind: 'host',
    });
  });

  test('… and has that very address as its source', () => {
    const filter = [`-A INPUT -s ${VIP}/32 -j DROP`];
    expect(trace({ filter }, { ...FROM_NODE, port: 81 })).toEqual({ kind: 'dropped' });
    expect(trace({ filter }, { ...OUTSIDE, port: 81 })).toEqual({ kind: 'host' });
  });
});

describe('chains', () => {
  test('the first verdict holds, a chain that returns goes on behind the jump', () => {
    const first = ['-A INPUT -j ACCEPT', '-A INPUT -j DROP'];
    expect(trace({ filter: first })).toEqual(plainly);
    const nested = ['-A INPUT -j KUBE-A', '-A INPUT -j DROP', '-A KUBE-A -j RETURN'];
    expect(trace({ filter: [...nested, '-A KUBE-A -j ACCEPT'] })).toEqual({ kind: 'dropped' });
    const accepting = ['-A INPUT -j KUBE-A', '-A INPUT -j DROP', '-A KUBE-A -j ACCEPT'];
    expect(trace({ filter: accepting })).toEqual(plainly);
  });

  test('a chain of ours that is not there is an error, another’s is passed', () => {
    expect(() => trace({ filter: ['-A INPUT -j KUBE-LOST'] })).toThrow(
      'a rule jumps to KUBE-LOST, which is not in filter',
    );
    expect(trace({ filter: ['-A INPUT -j cali-INPUT'] })).toEqual(plainly);
  });

  test('a set that is not there is an error', () => {
    expect(() => trace({ filter: ['-A INPUT -m set --match-set LOST dst -j DROP'] })).toThrow(
      'a rule matches the set LOST, which does not exist',
    );
  });
});

describe('matches', () => {
  const sets: DataplaneState['ipsets'] = new Map([
    ['VIPS', { name: 'VIPS', type: 'hash:ip', family: 'IPv4', entries: new Set([VIP]) }],
  ]);
  const isDropped = (match: string, packet: Packet = OUTSIDE) =>
    trace({ filter: [`-A INPUT ${match} -j DROP`], sets }, packet).kind === 'dropped';

  test.each([
    ['-s 203.0.113.0/24', '-s 203.0.114.0/24'],
    ['-i eth0', '-i eth1'],
    ['-i eth+', '-i cni+'],
    ['-i +', '-i et'],
    ['-p tcp', '-p udp'],
    ['-m set --match-set VIPS dst', '-m set --match-set VIPS src'],
    ['-m mark --mark 0x0/0x1', '-m mark --mark 0x1/0x1'],
    ['-m addrtype --dst-type LOCAL', '-m addrtype --src-type LOCAL'],
    ['-m conntrack --ctstate INVALID,NEW', '-m conntrack --ctstate RELATED,ESTABLISHED'],
  ])('%s fits, %s does not; negated it is the other way round', (fits, fitsNot) => {
    expect([isDropped(fits), isDropped(fitsNot)]).toEqual([true, false]);
    const negated = (match: string) => match.replace(/(?=-[sip] |--)/, '! ');
    expect([isDropped(negated(fits)), isDropped(negated(fitsNot))]).toEqual([false, true]);
  });

  test('all of a rule must fit', () => {
    expect(isDropped('-s 203.0.113.0/24 -i eth1')).toBe(false);
    expect(isDropped('-s 203.0.113.0/24 -i eth0')).toBe(true);
  });

  test('a mark of the highest bit is a number like others', () => {
    const filter = ['-A INPUT -m mark --mark 0x80000000/0x80000000 -j DROP'];
    const nat = ['-A PREROUTING -j MARK --set-xmark 0x80000000/0x80000000'];
    expect(trace({ nat, filter })).toEqual({ kind: 'dropped' });
    expect(trace({ filter })).toEqual(plainly);
  });

  test('bits outside the mask stay', () => {
    const nat = [
      '-A PREROUTING -j MARK --set-xmark 0x3/0x3',
      '-A PREROUTING -j MARK --set-xmark 0x0/0x1',
    ];
    const dropsAt = (mark: string) =>
      trace({ nat, filter: [`-A INPUT -m mark --mark ${mark} -j DROP`] }).kind === 'dropped';
    expect([dropsAt('0x2/0x3'), dropsAt('0x3/0x3')]).toEqual([true, false]);
  });
});
