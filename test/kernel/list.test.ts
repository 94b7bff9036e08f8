/**
 * `kube-ipvs list` and the real ipvsadm on the same kernel state: output, errors and exit code must
 * be equal, byte for byte.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { list } from '../../src/cli/list.ts';
import { type Encode, GenericSocket } from '../../src/kernel/genlFamily.ts';
import { IPVS_GENL_NAME } from '../../src/netlink/constants.ts';
import type { DestinationRequest, ServiceRequest } from '../../src/netlink/ipvs.ts';
import {
  encodeDeleteService,
  encodeNewDestination,
  encodeNewService,
} from '../../src/netlink/ipvsRequests.ts';
import { type Answer, ourAnswer, realAnswers } from '../support/ipvsadm/ipvsadmOracle.ts';
import { randomState } from '../support/ipvsadm/ipvsStates.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

const describe = await requireIpvs();

/** Every layout, sorted and not, with names and without, numbers scaled and in full. */
const OPTION_SETS: readonly (readonly string[])[] = [
  ...['', '--stats', '--rate', '--thresholds', '--persistent-conn', '--tun-info'].flatMap(
    (columns) =>
      ['', '-n'].flatMap((numeric) =>
        ['', '--nosort'].flatMap((order) =>
          (/stats|rate/.test(columns) ? ['', '--exact'] : ['']).map((exact) =>
            ['-L', numeric, columns, order, exact].filter((word) => word !== ''),
          ),
        ),
      ),
  ),
  ['-S'],
  ['-S', '-n'],
];

const STATES = Number(process.env['KUBE_IPVS_LIST_STATES'] ?? 60);
const FIRST_SEED = Number(process.env['KUBE_IPVS_LIST_SEED'] ?? 1);
/**
 * A process of the real one costs the lab a tenth of a second, so each state meets a part of the
 * sets, another each time.
 */
const SETS_A_STATE = Number(process.env['KUBE_IPVS_LIST_SETS'] ?? 6);

function setsFor(seed: number): (readonly string[])[] {
  const count = Math.min(SETS_A_STATE, OPTION_SETS.length);
  return Array.from({ length: count }, (_, i) => {
    return OPTION_SETS[(seed * count + i) % OPTION_SETS.length]!;
  });
}

describe('beside the real ipvsadm', () => {
  let namespace: Namespace;

  // Many processes of the real one.

  beforeAll(async () => {
    namespace = await freshNamespace();
  });
  afterAll(async () => {
    await namespace.remove();
  });
  beforeEach(async () => {
    await namespace.run('ipvsadm', '-C');
  });

  async function realListings(
    optionSets: readonly (readonly string[])[],
    rules: readonly string[] = [],
  ): Promise<readonly Answer[]> {
    const restore = { argv: ['-R'], stdin: rules.map((rule) => `${rule}\n`).join('') };
    const commands = optionSets.map((argv) => ({ argv }));
    return (await realAnswers(namespace, [restore, ...commands])).slice(1);
  }

  async function expectEqual(optionSets: readonly (readonly string[])[], real: readonly Answer[]) {
    for (const [i, argv] of optionSets.entries()) {
      expect({ argv, ...(await ourAnswer(namespace, { argv })) }).toEqual({ argv, ...real[i] });
    }
  }

  async function add(service: ServiceRequest, ...destinations: readonly DestinationRequest[]) {
    const { networkNamespacePath } = namespace;
    const socket = new GenericSocket(IPVS_GENL_NAME, { networkNamespacePath });
    const outcomes = await socket.execute([
      (out, head) => {
        encodeNewService(out, head, service);
      },
      ...destinations.map((one): Encode => (out, head) => {
        encodeNewDestination(out, head, service, one);
      }),
    ]);
    socket.close();
    expect(outcomes.map(({ errno }) => errno)).toEqual(outcomes.map(() => 0));
  }

  test('an empty table', async () => {
    await expectEqual(OPTION_SETS, await realListings(OPTION_SETS));
  });

  test.each(Array.from({ length: STATES }, (_, i) => FIRST_SEED + i))(
    'random state of seed %i',
    async (seed) => {
      const rules = randomState(seed);
      const sets = setsFor(seed);
      await expectEqual(sets, await realListings(sets, rules));
    },
  );

  test('every option set meets some state', () => {
    const met = new Set(Array.from({ length: STATES }, (_, i) => setsFor(FIRST_SEED + i)).flat());
    expect(met.size).toBe(OPTION_SETS.length);
  });

  test('a random state fills a table', async () => {
    const [listing] = await realListings([['-Ln']], randomState(2));
    expect(listing?.stdout.split('\n').length).toBeGreaterThan(10);
  });

  test('a circle of addresses sorts by the order in which they were added', async () => {
    const ends = ['10.0.0.1', '100.0.0.1', '192.168.0.1'];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const rules = orders.flatMap((order, i) => [
      `-A -t 10.0.1.${i}:80 -s rr`,
      ...order.map((at) => `-a -t 10.0.1.${i}:80 -r ${ends[at]}:80 -m`),
    ]);
    await expectEqual(OPTION_SETS, await realListings(OPTION_SETS, rules));
  });

  test('what ipvsadm itself cannot make: other protocols, methods, masks, flags', async () => {
    const settings = { scheduler: 'none', flags: 0x20, timeoutSec: 0, netmask: 0xff00_ff00 };
    const service = {
      family: 'IPv4',
      protocol: 47,
      address: '10.0.0.1',
      port: 0,
      ...settings,
    } as const;
    const destination = (octet: number, forwarding: number): DestinationRequest => ({
      family: 'IPv4',
      address: `10.244.0.${octet}`,
      port: octet,
      forwarding,
      weight: octet,
      upperThreshold: 0,
      lowerThreshold: 0,
    });
    await add(service, ...[0, 1, 3, 4, 5, 7].map((method) => destination(method + 1, method)));
    const persistent = { ...settings, flags: 0x21, timeoutSec: 77 };
    await add({ ...service, ...persistent, scheduler: 'sh', port: 1, protocol: 6 });
    await add({ ...service, ...persistent, scheduler: 'mh', port: 2, netmask: 0, flags: 0x3d });
    await add({ ...service, ...settings, scheduler: 'rr', port: 3, protocol: 17, peName: 'sip' });
    // A method without a name makes ipvsadm print NULL as a switch, which save mode of ours copies
    // too.
    await expectEqual(OPTION_SETS, await realListings(OPTION_SETS));
  });

  test('one service, and none', async () => {
    const rules = [
      '-A -t 127.0.0.1:80 -s rr -p 5',
      '-a -t 127.0.0.1:80 -r 10.1.1.1:8080 -m',
      '-A -u [fd00::1]:53 -s wlc',
      '-A -f 7 -s rr',
      '-A -f 7 -6 -s sh',
    ];
    const optionSets = [
      ['-Ln', '-t', '127.0.0.1:80'],
      ['-L', '-t', 'localhost:http', '--stats'],
      ['-Lnt127.0.0.1:80'],
      ['-L', '--tcp-service=127.1:080'],
      ['-L', '-u', '[fd00::1]:domain', '-n'],
      ['-L', '-f', '7'],
      ['-L', '-f', '7', '-6'],
      ['-Ln', '-t', '127.0.0.1:81'],
      ['-Ln', '-t', 'fd00::1:53'],
      ['-L', '-t', 'no.such.host.invalid:80'],
      ['-L', '-t', '127.0.0.1:nosuch'],
    ];
    await expectEqual(optionSets, await realListings(optionSets, rules));
  });

  test('time-outs and daemons', async () => {
    const optionSets = [
      ['-L', '--timeout'],
      ['-L', '--daemon', '-n'],
    ];
    await expectEqual(optionSets, await realListings(optionSets));
    await namespace.run('ipvsadm', '--set', '60', '0', '3600');
    await namespace.run('ipvsadm', '--start-daemon', 'master', '--mcast-interface', 'lo');
    const backup = ['--start-daemon', 'backup', '--mcast-interface', 'lo', '--syncid', '5'];
    await namespace.run('ipvsadm', ...backup, '--mcast-group', 'ff02::5', '--mcast-ttl', '3');
    const real = await realListings(optionSets);
    expect(real[1]?.stdout).toContain('ff02::5');
    await expectEqual(optionSets, real);
    await namespace.run('ipvsadm', '--stop-daemon', 'master');
    await namespace.run('ipvsadm', '--stop-daemon', 'backup');
  });

  test('command lines that are refused', async () => {
    const lines = [
      '-nL',
      '-n',
      '--foo',
      '-L --foo',
      '-Lq',
      '-Ln foo',
      '-L -- -n',
      '-L -',
      '-L -t',
      '-L -n=5',
      '-L --num',
      '-L --numeric=5',
      '-L -t 10',
      '-L -t 10.0.0.1:99999',
      '-L -t 10.0.0.1:',
      '-L -t [::1',
      '-L -t [::1]',
      '-L -f 0',
      '-L -f abc',
      '-L -f 4294967296',
      '-L -6',
      '-L -6 -f 8',
      '-L -n -n',
      '-L -t 10.0.0.1:80 -f 7',
      '-L -L',
      '-L -S',
      '-Lh',
      '-L -s rr -r 1.1.1.1',
      '-L -w 5 -s rr',
      '-L -m -g',
      '-L -p -n',
      '-L --tun-csum',
      '-L --syncid x',
      '-L --syncid 999',
      '-L --timeout --daemon',
      '-L -c -t 10.0.0.1:80',
      '-L --timeout -c',
      '-L -t 10.0.0.1:80 --daemon',
      '-L --timeout --rate',
      '-L -c --stats',
      '-L --daemon --persistent-conn',
      '-S --stats',
      '-S -t 10.0.0.1:80',
      '-S foo',
      '-Sn -6',
    ];
    const optionSets = lines.map((line) => line.split(' '));
    const real = await realListings(optionSets);
    expect(real.every(({ exitCode }) => exitCode !== 0)).toBe(true);
    await expectEqual(optionSets, real);
  });

  test('whole lines only while the kernel changes', async () => {
    const { networkNamespacePath } = namespace;
    const socket = new GenericSocket(IPVS_GENL_NAME, { networkNamespacePath });
    const service = (index: number): ServiceRequest => ({
      family: 'IPv4',
      protocol: 6,
      address: `10.1.${index >> 8}.${index & 255}`,
      port: 80,
      scheduler: 'rr',
      flags: 0,
      timeoutSec: 0,
      netmask: 0xffff_ffff,
    });
    const all = Array.from({ length: 1500 }, (_, i) => service(i));
    const half = all.filter((_, i) => i % 2 === 0);
    const addAll = (services: readonly ServiceRequest[]) =>
      socket.execute(
        services.map((one): Encode => (out, head) => {
          encodeNewService(out, head, one);
        }),
      );
    const removeAll = (services: readonly ServiceRequest[]) =>
      socket.execute(
        services.map((one): Encode => (out, head) => {
          encodeDeleteService(out, head, one);
        }),
      );
    await addAll(all);
    const end = new AbortController();
    const change = async () => {
      while (!end.signal.aborted) {
        await removeAll(half);
        await addAll(half);
      }
    };
    const changing = change();
    for (let i = 0; i < 10; i++) {
      const { stdout, stderr, exitCode } = await ourAnswer(namespace, { argv: ['-Ln'] });
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      const lines = stdout.split('\n');
      expect(lines.pop()).toBe('');
      const strange = lines.slice(3).filter((line) => !/^TCP {2}10\.1\.\d+\.\d+:80 rr$/.test(line));
      expect(strange).toEqual([]);
      expect(lines.length).toBeGreaterThan(500);
    }
    end.abort();
    await changing;
    socket.close();
  });

  test('without a command -L is meant, unless called by the name ipvsadm', async () => {
    await namespace.run('ipvsadm', '-A', '-t', '10.0.0.1:80', '-s', 'rr');
    let stdout = '';
    const sink = {
      write: (text: string) => {
        stdout += text;
      },
    };
    const { networkNamespacePath } = namespace;
    const output = { stdout: sink, stderr: sink, env: {}, networkNamespacePath };
    expect(await list(['-n', '--stats'], output)).toBe(0);
    expect(stdout).toBe((await ourAnswer(namespace, { argv: ['-Ln', '--stats'] })).stdout);
  });
});
