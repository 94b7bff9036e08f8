/** The dummy device and the view of the host, on a real kernel, with `ip` as the second witness. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DummyNews } from '../../src/dataplane/dataplane.ts';
import { KernelHostObserver } from '../../src/kernel/hostObserver.ts';
import { type LinkOperation, LinkClient } from '../../src/kernel/linkClient.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';

// Not every machine has dummy devices; where IPVS is, they are too.
const describe = await requireIpvs();

const bind = (address: string) => ({ op: 'bindAddress', address }) as const;
const unbind = (address: string) => ({ op: 'unbindAddress', address }) as const;

describe('on a real kernel', () => {
  let namespace: Namespace;
  let links: LinkClient;
  let host: KernelHostObserver;

  beforeEach(async () => {
    namespace = await freshNamespace();
    links = new LinkClient(namespace);
    const { networkNamespacePath } = namespace;
    const settings = { nodeName: 'n1', hasRandomFully: true, apiServerAddresses: ['192.0.2.200'] };
    host = new KernelHostObserver({ ...settings, networkNamespacePath });
  });

  afterEach(async () => {
    links.close();
    host.close();
    await namespace.remove();
  });

  const apply = async (...run: LinkOperation[]) => {
    const report = await links.apply(run);
    expect(report.outcomes).toEqual(run.map(() => undefined));
    return report;
  };
  const ip = (...argv: readonly string[]) => namespace.run('ip', ...argv);

  async function watching() {
    const seen = { calls: 0, dummy: [] as DummyNews[] };
    const stop = await host.watch(
      () => {
        seen.calls += 1;
      },
      (news) => seen.dummy.push(news),
    );
    const settled = () => new Promise((resolve) => setTimeout(resolve, 400));
    const told = async (times: number) => {
      while (seen.calls < times) await settled();
    };
    return { seen, settled, told, stop };
  }

  test('the device is a dummy, down, and twice is as good as once', async () => {
    expect(await links.read()).toEqual({ hasDummyDevice: false, addresses: new Set() });
    await apply({ op: 'createDummyDevice' });
    await apply({ op: 'createDummyDevice' });
    const shown = await ip('-d', '-o', 'link', 'show', 'kube-ipvs0');
    expect(shown).toContain('<BROADCAST,NOARP>');
    expect(shown).toContain('state DOWN');
    expect(shown).toMatch(/\bdummy\b/);
    expect(await links.read()).toEqual({ hasDummyDevice: true, addresses: new Set() });
    await links.deleteDevice();
    await links.deleteDevice();
    expect(await links.read()).toEqual({ hasDummyDevice: false, addresses: new Set() });
  });

  test('addresses of both families are bound whole, without duplicate detection', async () => {
    await apply({ op: 'createDummyDevice' }, bind('10.96.0.1'), bind('fd00::1'));
    const shown = await ip('-o', 'address', 'show', 'dev', 'kube-ipvs0');
    expect(shown).toMatch(/inet 10\.96\.0\.1\/32 .*scope global/);
    expect(shown).toMatch(/inet6 fd00::1\/128 scope global nodad/);
    expect(await ip('route', 'get', '10.96.0.1')).toContain('local 10.96.0.1');
    expect((await links.read()).addresses).toEqual(new Set(['10.96.0.1', 'fd00::1']));
  });

  test('binding the bound and unbinding the unbound succeed', async () => {
    await apply({ op: 'createDummyDevice' }, bind('10.96.0.1'), bind('10.96.0.1'));
    await apply(bind('10.96.0.1'), unbind('10.96.0.9'), unbind('fd00::9'), unbind('10.96.0.1'));
    expect((await links.read()).addresses).toEqual(new Set());
    await links.deleteDevice();
    await apply(unbind('10.96.0.1'));
  });

  test('an address bound by hand with another length is unbound all the same', async () => {
    await apply({ op: 'createDummyDevice' });
    await ip('address', 'add', '10.96.0.5/24', 'dev', 'kube-ipvs0');
    expect((await links.read()).addresses).toEqual(new Set(['10.96.0.5']));
    await apply(unbind('10.96.0.5'));
    expect((await links.read()).addresses).toEqual(new Set());
  });

  test('what cannot be is reported with its reason, the rest is done', async () => {
    const missing = await links.apply([bind('10.96.0.1')]);
    expect(missing.outcomes[0]).toMatchObject({ code: 'ENODEV' });
    expect(missing.outcomes[0]!.message).toContain('kube-ipvs0 does not exist');
    await apply({ op: 'createDummyDevice' });
    const { outcomes } = await links.apply([bind('ff02::1'), bind('fd00::2')]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual(['EADDRNOTAVAIL', undefined]);
  });

  test('a device of another kind with our name is not touched', async () => {
    await ip('link', 'add', 'kube-ipvs0', 'type', 'bridge');
    const { outcomes } = await links.apply([{ op: 'createDummyDevice' }, bind('10.96.0.1')]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual(['EEXIST', 'EEXIST']);
    expect(outcomes[0]!.message).toContain('bridge');
    await expect(links.read()).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(links.deleteDevice()).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await ip('-o', 'link', 'show', 'type', 'bridge')).toContain('kube-ipvs0');
  });

  test('the kernel gives a device that is up an address of its own: it is not counted', async () => {
    await apply({ op: 'createDummyDevice' });
    await ip('link', 'set', 'kube-ipvs0', 'up');
    expect(await ip('-6', '-o', 'address', 'show', 'dev', 'kube-ipvs0')).toContain('fe80::');
    expect((await links.read()).addresses).toEqual(new Set());
  });

  test('two thousand addresses of each family go on and off', async () => {
    const wanted = Array.from({ length: 2000 }, (_, i) => [
      `10.97.${i >> 8}.${i & 255}`,
      `fd00::${(i + 1).toString(16)}`,
    ]).flat();
    await apply({ op: 'createDummyDevice' }, ...wanted.map(bind));
    expect((await links.read()).addresses).toEqual(new Set(wanted));
    await apply(...wanted.map(unbind));
    expect((await links.read()).addresses).toEqual(new Set());
  });

  test('the host is seen with everything but our device', async () => {
    await apply({ op: 'createDummyDevice' }, bind('10.96.0.1'));
    await ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'other');
    await ip('address', 'add', '192.0.2.1/24', 'dev', 'eth0');
    await ip('address', 'add', '2001:db8::1/64', 'dev', 'eth0', 'nodad');
    await ip('link', 'set', 'eth0', 'up');
    await ip('route', 'add', 'default', 'via', '192.0.2.254');
    await ip('-6', 'route', 'add', 'default', 'via', '2001:db8::fe');
    await ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.253');
    const { interfaces, ...rest } = await host.read();
    expect(rest).toMatchObject({
      nodeName: 'n1',
      defaultGateways: ['192.0.2.254', '2001:db8::fe'],
      families: ['IPv4', 'IPv6'],
      hasRandomFully: true,
      apiServerAddresses: ['192.0.2.200'],
    });
    expect(rest.kernelVersion).toMatch(/^\d+\.\d+/);
    expect(interfaces.map(({ name }) => name).toSorted()).toEqual(['eth0', 'lo', 'other']);
    expect(interfaces.find(({ name }) => name === 'eth0')).toEqual({
      name: 'eth0',
      isUp: true,
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
    });
    expect(interfaces.find(({ name }) => name === 'other')).toMatchObject({ isUp: false });
    expect(interfaces.find(({ name }) => name === 'lo')).toMatchObject({
      addresses: ['127.0.0.1/8', '::1/128'],
    });
  });

  test('gateways of a multipath default route are all seen', async () => {
    await ip('address', 'add', '192.0.2.1/24', 'dev', 'lo');
    const hops = ['192.0.2.2', '192.0.2.3'].flatMap((via) => ['nexthop', 'via', via, 'dev', 'lo']);
    await ip('route', 'add', 'default', ...hops);
    expect((await host.read()).defaultGateways).toEqual(['192.0.2.2', '192.0.2.3']);
  });

  test('a namespace that never had a route is read as one without gateways', async () => {
    await expect(ip('route', 'show', 'table', 'main')).resolves.toBe('');
    const { interfaces, defaultGateways } = await host.read();
    expect(defaultGateways).toEqual([]);
    expect(interfaces.map(({ name }) => name)).toEqual(['lo']);
  });

  test('a watch tells of addresses, once for many, and of those on our device apart', async () => {
    const { seen, told, settled, stop } = await watching();
    try {
      await apply({ op: 'createDummyDevice' }, bind('10.96.0.1'), bind('fd00::1'));
      await apply(unbind('10.96.0.1'));
      await links.deleteDevice();
      await apply({ op: 'createDummyDevice' }, bind('10.96.0.2'));
      await ip('address', 'add', 'fd00::2/128', 'dev', 'kube-ipvs0');
      await settled();
      expect(seen.calls).toBe(0);
      const last = new Map(seen.dummy.flatMap(({ addresses }) => [...addresses]));
      expect(Object.fromEntries(last)).toEqual({
        '10.96.0.1': false,
        'fd00::1': false,
        '10.96.0.2': true,
        'fd00::2': true,
      });
      expect(seen.dummy.some(({ isDeviceGone }) => isDeviceGone)).toBe(true);
      await ip('address', 'add', '192.0.2.1/24', 'dev', 'lo');
      await told(1);
      expect(seen.calls).toBe(1);
    } finally {
      await stop();
    }
    await ip('address', 'del', '192.0.2.1/24', 'dev', 'lo');
    const atEnd = seen.calls;
    await settled();
    expect(seen.calls).toBe(atEnd);
  });

  test('a pod that starts is no reason to read the host: its link comes, goes up and has a link-local address', async () => {
    await ip('link', 'add', 'cni0', 'type', 'bridge');
    const { seen, told, settled, stop } = await watching();
    try {
      await ip('link', 'add', 'veth1', 'type', 'veth', 'peer', 'name', 'eth0');
      await ip('link', 'set', 'veth1', 'master', 'cni0');
      for (const each of ['cni0', 'eth0', 'veth1']) await ip('link', 'set', each, 'up');
      // Duplicate address detection takes a second or two.
      while (!(await ip('-6', 'address', 'show', 'dev', 'veth1')).includes('fe80::'))
        await settled();
      await ip('link', 'del', 'veth1');
      await settled();
      expect(seen.calls).toBe(0);
      await ip('address', 'add', '192.0.2.1/24', 'dev', 'cni0');
      await told(1);
    } finally {
      await stop();
    }
  });

  test('a default gateway that changes is noticed in both families, other routes are not news', async () => {
    await ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'other');
    await ip('address', 'add', '192.0.2.1/24', 'dev', 'eth0');
    await ip('address', 'add', '2001:db8::1/64', 'dev', 'eth0', 'nodad');
    for (const each of ['eth0', 'other']) await ip('link', 'set', each, 'up');
    await ip('route', 'add', 'default', 'via', '192.0.2.254');
    const { seen, told, settled, stop } = await watching();
    const gateways = async () => (await host.read()).defaultGateways;
    try {
      await ip('route', 'replace', 'default', 'via', '192.0.2.253');
      await told(1);
      expect(await gateways()).toEqual(['192.0.2.253']);
      await ip('-6', 'route', 'add', 'default', 'via', '2001:db8::fe');
      await told(2);
      expect(await gateways()).toEqual(['192.0.2.253', '2001:db8::fe']);
      await ip('route', 'del', 'default');
      await told(3);
      expect(await gateways()).toEqual(['2001:db8::fe']);
      await settled();
      const before = seen.calls;
      await ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.253');
      await ip('route', 'add', 'default', 'via', '192.0.2.253', 'table', '100');
      await settled();
      expect(seen.calls).toBe(before);
    } finally {
      await stop();
    }
  });
});
