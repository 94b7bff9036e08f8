/**
 * The responder on devices that stand on others: a VLAN is another network than its parent, a bond
 * speaks for its members, and a bridge for its ports.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { ResponderOn } from '../support/lab/responderOn.ts';
import { Segment, sight, type Station } from '../support/lab/segment.ts';

// VLANs and bonds are not in every kernel; where IPVS is, they are too.
const describe = await requireIpvs();

const V4 = '192.0.2.64';

describe('a responder on', () => {
  let segment: Segment;
  let node: Station;
  let client: Station;
  let responder: ResponderOn | undefined;

  beforeEach(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
    client = await segment.station(0x0a);
  });
  afterEach(async () => {
    await responder?.stop();
    responder = undefined;
    await segment.remove();
  });

  async function start(...names: readonly string[]): Promise<ResponderOn> {
    responder = await ResponderOn.start(node.namespace, ['192.0.2.11']);
    const told = () => responder!.interfaces.map(({ name }) => name);
    expect(await sight(told, (seen) => seen.join() === names.join())).toEqual(names);
    return responder;
  }

  /** What the client's neighbour table says after it has asked on a device. */
  async function asks(device: string, state: 'REACHABLE' | 'FAILED'): Promise<string> {
    await client.ip('neighbour', 'flush', 'dev', device);
    await client.ip('route', 'replace', `${V4}/32`, 'dev', device);
    await client.namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${V4}/9 || true`);
    return sight(
      () => client.ip('neighbour', 'show', V4, 'dev', device),
      (seen) => seen.includes(state),
    );
  }

  test('a VLAN answers there, and not on the network below', async () => {
    for (const station of [node, client]) {
      const vlan = ['link', 'eth0', 'name', 'eth0.10', 'type', 'vlan', 'id', '10'];
      await station.ip('link', 'add', ...vlan);
      await station.ip('link', 'set', 'eth0.10', 'up');
    }
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    await client.ip('address', 'add', '198.51.100.10/24', 'dev', 'eth0');
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0.10');
    const started = await start('eth0', 'eth0.10');
    await started.answer(V4, ['eth0.10']);
    expect(await asks('eth0.10', 'REACHABLE')).toContain(`lladdr ${node.mac}`);
    expect(await asks('eth0', 'FAILED')).toContain('FAILED');
    await started.answer(V4, ['eth0']);
    expect(await asks('eth0', 'REACHABLE')).toContain(`lladdr ${node.mac}`);
    expect(await asks('eth0.10', 'FAILED')).toContain('FAILED');
  });

  test('a bond answers with its MAC, and goes on when its active member fails', async () => {
    await segment.attach(node.namespace, 'eth1', 0x1b);
    await node.ip('link', 'add', 'bond0', 'type', 'bond', 'mode', 'active-backup', 'miimon', '10');
    for (const member of ['eth0', 'eth1']) {
      await node.ip('link', 'set', member, 'down');
      await node.ip('link', 'set', member, 'master', 'bond0');
    }
    await node.ip('link', 'set', 'bond0', 'up');
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'bond0');
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    const started = await start('bond0');
    const { mac } = started.interfaces[0]!;
    await started.answer(V4, ['bond0']);
    expect(await asks('eth0', 'REACHABLE')).toContain(`lladdr ${mac}`);
    const active = () => node.namespace.run('cat', '/sys/class/net/bond0/bonding/active_slave');
    const first = (await active()).trim();
    await segment.setCable(first === 'eth0' ? 0x0b : 0x1b, 'down');
    await sight(active, (name) => name.trim() !== first && name.trim() !== '');
    expect(await asks('eth0', 'REACHABLE')).toContain(`lladdr ${mac}`);
  });

  test('a bridge answers for its ports', async () => {
    await node.ip('link', 'add', 'lan0', 'type', 'bridge');
    await node.ip('link', 'set', 'eth0', 'master', 'lan0');
    await node.ip('link', 'set', 'lan0', 'up');
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'lan0');
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    const started = await start('lan0');
    await started.answer(V4, ['lan0']);
    expect(await asks('eth0', 'REACHABLE')).toContain(`lladdr ${started.interfaces[0]!.mac}`);
    // A port that leaves its bridge has not gone: it stands for itself from then on.
    await node.ip('address', 'del', '192.0.2.11/24', 'dev', 'lan0');
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    await node.ip('link', 'set', 'eth0', 'nomaster');
    await sight(
      () => started.interfaces.map(({ name }) => name).join(),
      (names) => names === 'eth0',
    );
    await started.answer(V4, ['eth0']);
    expect(await asks('eth0', 'REACHABLE')).toContain(`lladdr ${node.mac}`);
  });
});
