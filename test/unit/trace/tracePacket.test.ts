import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import { verdictText } from '../../support/golden/dataplaneText.ts';
import type { Packet } from '../../../src/trace/packet.ts';
import { tracePacket } from '../../../src/trace/tracePacket.ts';
import { loadScenario } from '../../support/golden/scenario.ts';

const NODE_ADDRESSES = new Set(['127.0.0.1', '192.168.0.1', 'fd00:168::1']);
const outside = { inInterface: 'eth0', source: '203.0.113.9' };
const pod = { inInterface: 'cni0', source: '10.244.1.99' };
const node = { source: '192.168.0.1' };

let state: DesiredState;
const scenario = (name: string) => async () => {
  ({ state } = await loadScenario(
    join(import.meta.dirname, '..', '..', 'golden', 'scenarios', name),
  ));
};
const to = (
  from: Pick<Packet, 'source' | 'inInterface'>,
  destination: string,
  port: number,
  protocol: Packet['protocol'] = 'TCP',
) => verdictText(tracePacket(state, NODE_ADDRESSES, { ...from, destination, port, protocol }));

describe('a plain NodePort Service', () => {
  beforeAll(scenario('nodeport'));

  test('is masqueraded at the NodePort and not at the ClusterIP, except for the node itself', () => {
    expect(to(pod, '10.96.0.10', 80)).toBe('10.244.1.5:8080 | 10.244.2.5:8080');
    expect(to(node, '10.96.0.10', 80)).toBe(
      '10.244.1.5:8080 masqueraded | 10.244.2.5:8080 masqueraded',
    );
    expect(to(outside, '192.168.0.1', 30_080)).toBe(
      '10.244.1.5:8080 masqueraded | 10.244.2.5:8080 masqueraded',
    );
  });

  test('a pod that reaches itself is masqueraded', () => {
    expect(to({ inInterface: 'cni0', source: '10.244.1.5' }, '10.96.0.10', 80)).toBe(
      '10.244.1.5:8080 masqueraded | 10.244.2.5:8080',
    );
  });

  test('a port of the ClusterIP that no Service has is refused, from the node itself too (kubernetes issue 72236)', () => {
    expect(to(pod, '10.96.0.10', 22)).toBe('refused');
    expect(to(node, '10.96.0.10', 22)).toBe('refused');
    expect(to(pod, '10.96.0.10', 80, 'UDP')).toBe('refused');
  });

  test('other ports of the node are its own business, and other addresses are routed on', () => {
    expect(to(outside, '192.168.0.1', 22)).toBe('host');
    expect(to(node, '127.0.0.1', 30_080)).toBe('host');
    expect(to(pod, '192.0.2.1', 80)).toBe('notLocal');
  });
});

describe('policy Local without an endpoint on this node', () => {
  beforeAll(scenario('load-balancer-local-policy-without-local-endpoint'));

  test.each([
    ['80.11.12.20', 80],
    ['192.168.0.1', 30_080],
  ])('%s:%i drops outsiders and serves insiders masqueraded', (address, port) => {
    expect(to(outside, address, port)).toBe('dropped');
    expect(to({ inInterface: 'eth0', source: '192.168.0.2' }, address, port)).toBe('dropped');
    expect(to(pod, address, port)).toBe('10.244.2.5:8080 masqueraded');
    // a pod of another node
    expect(to({ inInterface: 'eth0', source: '10.244.2.99' }, address, port)).toBe('dropped');
    expect(to(node, address, port)).toBe('10.244.2.5:8080 masqueraded');
  });

  test('the health check port answers on the LB address', () => {
    expect(to(outside, '80.11.12.20', 31_234)).toBe('host');
  });
});

describe('source ranges', () => {
  beforeAll(scenario('source-ranges'));

  test('admit their members only, at the LB address only', () => {
    expect(to(outside, '80.11.12.20', 80)).toContain('10.244.1.5:8080');
    expect(to({ ...outside, source: '198.51.100.1' }, '80.11.12.20', 80)).toBe('dropped');
    expect(to({ ...outside, source: '198.51.100.1' }, '192.168.0.1', 30_080)).toContain(
      '10.244.1.5:8080',
    );
    expect(to({ ...pod, source: '10.244.1.98' }, '80.11.12.20', 80)).toBe('dropped');
  });

  test('keep the node out that they do not name (kubernetes issue 119656)', () => {
    expect(to(node, '80.11.12.20', 80)).toBe('dropped');
    expect(to(node, '10.96.0.10', 80)).toContain('10.244.1.5:8080');
  });
});

describe('a nodePort number that is also the port of a ClusterIP', () => {
  beforeAll(scenario('nodeport-equals-clusterip-port'));

  test('does not make the ClusterIP a NodePort (kubernetes issue 132068)', () => {
    expect(to(pod, '10.96.0.30', 30_080)).toBe('10.244.1.6:8080');
  });
});

describe('the tracer can tell a broken dataplane', () => {
  beforeAll(scenario('load-balancer-local-policy-without-local-endpoint'));
  const packet: Packet = { ...outside, destination: '80.11.12.20', port: 80, protocol: 'TCP' };
  const without = (set: string): DesiredState => {
    const emptied = { ...state.ipsets.get(set)!, entries: new Set<string>() };
    return {
      virtualServers: state.virtualServers,
      addresses: state.addresses,
      iptables: state.iptables,
      sysctls: state.sysctls,
      ipsets: new Map([...state.ipsets, [set, emptied]]),
    };
  };
  const tryOut = (broken: DesiredState, from: Packet) =>
    verdictText(tracePacket(broken, NODE_ADDRESSES, from));

  test('without the DROP entries outsiders get through', () => {
    expect(tryOut(without('KUBE-IPVS-DROP'), packet)).toBe('10.244.2.5:8080');
  });

  test('without the inside sources pods are dropped', () => {
    expect(tryOut(without('KUBE-IPVS-INSIDE'), { ...packet, ...pod })).toBe('dropped');
  });

  test('without the LB entries the address is just one of ours', () => {
    expect(tryOut(without('KUBE-LOAD-BALANCER'), packet)).toBe('refused');
  });

  test('a rule that refers to a missing set or chain is an error', () => {
    const lost = new Map([...state.ipsets].filter(([name]) => name !== 'KUBE-CLUSTER-IP'));
    const { virtualServers, addresses, iptables, sysctls } = state;
    const broken = { virtualServers, addresses, iptables, sysctls, ipsets: lost };
    expect(() => tryOut(broken, { ...packet, destination: '10.96.0.10' })).toThrow(
      'KUBE-CLUSTER-IP',
    );
  });
});
