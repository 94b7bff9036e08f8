/**
 * How packet sockets of the addon begin and end: what is refused when one is opened, threads and
 * processes that end in the middle of a wait. Also run under sanitizers.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPacketSocket, type PacketSocketOptions } from '../../src/kernel/packetSocket.ts';
import { ByteWriter } from '../../src/net/bytes.ts';
import * as c from '../../src/netlink/constants.ts';
import { encodeDumpLinks } from '../../src/netlink/rtnlLinks.ts';
import { arpProbe, encodeArp } from '../../src/wire/arp.ts';
import { assemble } from '../../src/wire/bpf.ts';
import { arpFilter } from '../../src/wire/socketFilters.ts';
import { patience } from '../lab/patience.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { Segment, type Station } from '../support/lab/segment.ts';

const describe = await requireNamespaces();

const ARP = 0x0806;

const ADDON =
  process.env['KUBE_IPVS_ADDON'] ??
  new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;

function dumpLinks(): Uint8Array {
  const out = new ByteWriter();
  encodeDumpLinks(out, { type: 0, flags: c.NLM_F_REQUEST | c.NLM_F_DUMP, sequence: 1 });
  return out.written();
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  );

describe('a packet socket', () => {
  let segment: Segment;
  let node: Station;

  beforeAll(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
  });
  afterAll(async () => {
    await segment.remove();
  });

  const open = (station: Station, options: Partial<PacketSocketOptions> = {}) => {
    const { ifindex, namespace } = station;
    const { networkNamespacePath } = namespace;
    return openPacketSocket({ ifindex, etherType: ARP, networkNamespacePath, ...options });
  };

  test.each([
    ['a path that is not there', { networkNamespacePath: '/run/netns/none' }, 'ENOENT'],
    ['a program that the kernel does not take', { filter: new Uint8Array(8) }, 'EINVAL'],
    ['a program without an end', { filter: assemble([{ ldb: 1 }]) }, 'EINVAL'],
  ])('opening fails with the reason: %s', (_, options, code) => {
    expect(() => open(node, options)).toThrow(
      expect.objectContaining({ name: 'KernelError', code }),
    );
  });

  test('without CAP_NET_RAW it says that this is what is missing', () => {
    const module = new URL('../../src/kernel/packetSocket.ts', import.meta.url).href;
    const program = `
      const { openPacketSocket } = await import(${JSON.stringify(module)});
      try { openPacketSocket({ ifindex: 1, etherType: ${ARP} }) } catch (e) { console.log(e.message) }
    `;
    const drop = ['--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
    const argv = [...drop, process.execPath, '--input-type=module', '-e', program];
    const { stdout } = spawnSync('setpriv', argv, { encoding: 'utf8' });
    expect(stdout).toMatch(
      /^open packet socket on interface 1: EPERM, .*it takes root or CAP_NET_RAW in this network namespace/,
    );
  });

  test('the addon itself refuses what is of another kind', () => {
    const native = createRequire(import.meta.url)(ADDON) as {
      PacketSocket: new (...options: unknown[]) => Record<string, (...a: unknown[]) => unknown>;
    };
    const { ifindex, namespace } = node;
    const good = {
      ifindex,
      etherType: ARP,
      filter: arpFilter(),
      networkNamespacePath: namespace.networkNamespacePath,
    };
    const typeError = expect.objectContaining({ name: 'TypeError' });
    for (const options of [
      [],
      [7],
      [{ ...good, ifindex: 'eth0' }],
      [{ ...good, etherType: null }],
      [{ ...good, filter: [] }],
      [{ ...good, filter: new Uint16Array(4) }],
      [{ ...good, networkNamespacePath: 7 }],
    ]) {
      expect(() => new native.PacketSocket(...options)).toThrow(typeError);
    }
    for (const filter of [new Uint8Array(7), new Uint8Array(8 * 4097)]) {
      expect(() => new native.PacketSocket({ ...good, filter })).toThrow(
        expect.objectContaining({ code: 'EINVAL' }),
      );
    }
    const socket = new native.PacketSocket(good);
    for (const call of [
      () => socket['send']!(),
      () => socket['send']!('frame'),
      () => socket['send']!([encodeArp(arpProbe(node.mac, '192.0.2.1')), 'frame']),
      () => socket['send']!([new Uint16Array(30)]),
      () => socket['joinMulticast']!('33:33:00:00:00:01'),
      () => socket['receive']!(),
      () => socket['receive']!('soon'),
    ]) {
      expect(call).toThrow(typeError);
    }
    socket['close']!();
  });

  test('worker threads and processes end in the middle of a wait', async () => {
    const options = JSON.stringify({
      ifindex: node.ifindex,
      etherType: ARP,
      networkNamespacePath: node.namespace.networkNamespacePath,
    });
    const wait = `
      const { PacketSocket } = require(${JSON.stringify(ADDON)});
      new PacketSocket(${options}).receive(-1).catch(() => {});
    `;
    const told = `${wait} require('node:worker_threads').parentPort.postMessage('waiting')`;
    const workers = [1, 2, 3].map(() => new Worker(told, { eval: true }));
    await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
    const program = `${wait} setTimeout(() => process.exit(7), 20);`;
    const limit = { timeout: patience(20_000) };
    expect(spawnSync(process.execPath, ['-e', program], limit).status).toBe(7);
  });

  test('worker threads end while answers are on their way to them', () => {
    const { networkNamespacePath } = node.namespace;
    const request = Buffer.from(dumpLinks()).toString('hex');
    const flood = `
      const addon = require(${JSON.stringify(ADDON)});
      const place = ${JSON.stringify({ networkNamespacePath })};
      const dump = Buffer.from('${request}', 'hex');
      const forEver = async (call) => { for (;;) await call(); };
      const listLinks = () => {
        const socket = new addon.NetlinkSocket({ ...place, protocol: 0 });
        forEver(() => socket.transact(dump, -1)).catch(() => {});
      };
    `;
    const inWorker = `
      ${flood}
      const { parentPort } = require('node:worker_threads');
      const open = (ifindex) => new addon.PacketSocket({ ...place, ifindex, etherType: ${ARP} });
      const lo = 1;
      const [heard, spoken] = [open(lo), open(lo)];
      forEver(() => heard.receive(-1)).catch(() => {});
      const frame = Buffer.alloc(60, 0xff);
      frame.writeUInt16BE(${ARP}, 12);
      setInterval(() => spoken.send([frame, frame, frame]), 0);
      listLinks();
      listLinks();
      parentPort.postMessage('busy');
    `;
    const program = `
      ${flood}
      const { Worker } = require('node:worker_threads');
      const { once } = require('node:events');
      listLinks();
      (async () => {
        for (let i = 0; i < 15; i++) {
          const workers = [1, 2].map(() => new Worker(${JSON.stringify(inWorker)}, { eval: true }));
          await Promise.all(workers.map((worker) => once(worker, 'message')));
          await Promise.all(workers.map((worker) => worker.terminate()));
        }
        process.exit(7);
      })();
    `;
    const ended = spawnSync(process.execPath, ['-e', program], {
      timeout: patience(60_000),
      encoding: 'utf8',
    });
    expect(ended).toMatchObject({ status: 7, stderr: '' });
  });

  test('a hundred sockets leave no descriptor behind', async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 100; i++) {
      const socket = open(node);
      const isWaiting = i % 10 === 0;
      const pending = isWaiting ? refusalOf(socket.receive(-1)) : { code: 'none' };
      socket.close();
      expect(await pending).toMatchObject({ code: isWaiting ? 'ECANCELED' : 'none' });
    }
    expect(count()).toBeLessThanOrEqual(before + 2);
  });
});
