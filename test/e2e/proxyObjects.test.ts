/**
 * The whole product on a real kernel, watching a real API server, while Services inside the
 * cluster, their endpoints and this Node come, change and go. What it did is read with ipvsadm,
 * ipset and ip.
 */
import { describe, expect, test } from '@jest/globals';
import { eventually, NODE } from '../support/e2e/cluster.ts';
import { endpoint, service, slice } from '../support/e2e/objects.ts';
import { clusterIpLines, E2eSession, gone, node } from '../support/e2e/session.ts';

const session = E2eSession.register({ isRunning: true });

describe('ClusterIP', () => {
  const ip = '10.96.1.1';

  test('comes, follows its endpoints and ports, and goes', async () => {
    const web = service('web', { clusterIP: ip });
    await session.create(web);
    const refused = `KUBE-IPVS-REJECT ${ip},tcp:80`;
    await session.shows(ip, [`TCP ${ip}:80 rr:`, refused, ...clusterIpLines(ip)]);

    const first = slice('web-1');
    await session.create(first);
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);

    await session.create(
      slice('web-2', { endpoints: [endpoint('10.244.2.6'), endpoint('10.244.1.5')] }),
    );
    const both = `TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1 | 10.244.2.6:8080 Masq 1`;
    await session.shows(ip, [both, ...clusterIpLines(ip)]);

    await session.cluster.objects.delete(first);
    await session.cluster.objects.patch(slice('web-2'), { endpoints: [endpoint('10.244.2.7')] });
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.2.7:8080 Masq 1`, ...clusterIpLines(ip)]);

    await session.cluster.objects.patch(web, { spec: { ports: [{ port: 81, targetPort: 8080 }] } });
    await session.shows(ip, [
      `TCP ${ip}:81 rr: | 10.244.2.7:8080 Masq 1`,
      `KUBE-CLUSTER-IP ${ip},tcp:81`,
      `KUBE-IPVS-IPS ${ip}`,
      `bound ${ip}`,
    ]);

    await session.cluster.objects.delete(web);
    await session.shows(ip, gone);
  });

  test('has named ports of three protocols and both families', async () => {
    const ports = ['TCP', 'UDP', 'SCTP'].map((protocol) => ({
      name: protocol.toLowerCase(),
      protocol,
      port: 53,
      targetPort: 5353,
    }));
    const clusterIPs = [ip, 'fd00:10:96::11'];
    const ofSlice = ports.map(({ name, protocol }) => ({ name, protocol, port: 5353 }));
    await session.create(
      service('dns', { clusterIPs, clusterIP: ip, ipFamilyPolicy: 'RequireDualStack', ports }),
      slice('dns-1', { ports: ofSlice }),
      slice('dns-2', {
        ports: ofSlice.slice(1, 2),
        addressType: 'IPv6',
        endpoints: [endpoint('fd00:244:1::5')],
      }),
    );
    await session.shows(ip, [
      ...['TCP', 'UDP', 'SCTP'].map((one) => `${one} ${ip}:53 rr: | 10.244.1.5:5353 Masq 1`),
      ...['tcp', 'udp', 'sctp'].map((one) => `KUBE-CLUSTER-IP ${ip},${one}:53`),
      `KUBE-IPVS-IPS ${ip}`,
      `bound ${ip}`,
    ]);
    await session.shows('fd00:10:96::11', [
      'SCTP [fd00:10:96::11]:53 rr:',
      'TCP [fd00:10:96::11]:53 rr:',
      'UDP [fd00:10:96::11]:53 rr: | [fd00:244:1::5]:5353 Masq 1',
      ...['tcp', 'udp', 'sctp'].map((one) => `KUBE-6-CLUSTER-IP fd00:10:96::11,${one}:53`),
      ...['tcp', 'sctp'].map((one) => `KUBE-6-IPVS-REJECT fd00:10:96::11,${one}:53`),
      'KUBE-6-IPVS-IPS fd00:10:96::11',
      'bound fd00:10:96::11',
    ]);
  });

  test('keeps clients at their endpoint while sessionAffinity is ClientIP', async () => {
    const web = service('web', { clusterIP: ip, sessionAffinity: 'ClientIP' });
    await session.create(web, slice('web-1'));
    const server = (text: string) => [`${text}: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)];
    await session.shows(ip, server(`TCP ${ip}:80 rr persistent 10800`));
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 600 } };
    await session.cluster.objects.patch(web, { spec: { sessionAffinityConfig } });
    await session.shows(ip, server(`TCP ${ip}:80 rr persistent 600`));
    const none = { sessionAffinity: 'None', sessionAffinityConfig: null };
    await session.cluster.objects.patch(web, { spec: none });
    await session.shows(ip, server(`TCP ${ip}:80 rr`));
  });

  test('prefers ready endpoints, falls back to those that terminate and still serve', async () => {
    const terminating = { conditions: { ready: false, serving: true, terminating: true } };
    const unready = { conditions: { ready: false, serving: false } };
    const web = slice('web-1', {
      endpoints: [
        endpoint('10.244.1.5'),
        endpoint('10.244.1.6', terminating),
        endpoint('10.244.1.7', unready),
      ],
    });
    await session.create(service('web', { clusterIP: ip }), web);
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
    const endpoints = [endpoint('10.244.1.6', terminating), endpoint('10.244.1.7', unready)];
    await session.cluster.objects.patch(web, { endpoints });
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.6:8080 Masq 1`, ...clusterIpLines(ip)]);
  });

  test('with internalTrafficPolicy Local has the endpoints of this node only', async () => {
    const here = endpoint('10.244.1.5', { nodeName: NODE });
    const there = endpoint('10.244.2.5', { nodeName: 'other' });
    const web = service('web', { clusterIP: ip });
    await session.create(web, slice('web-1', { endpoints: [here, there] }));
    const both = `TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1 | 10.244.2.5:8080 Masq 1`;
    const hairpin = 'KUBE-LOOP-BACK 10.244.1.5,tcp:8080,10.244.1.5';
    await session.shows(ip, [both, ...clusterIpLines(ip)]);
    await session.shows('10.244.1.5', [hairpin]);
    await session.cluster.objects.patch(web, { spec: { internalTrafficPolicy: 'Local' } });
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
  });

  test('follows zone hints when the label of this Node changes', async () => {
    const inZone = (address: string, zone: string) =>
      endpoint(address, { zone, hints: { forZones: [{ name: zone }] } });
    const endpoints = [inZone('10.244.1.5', 'zone-a'), inZone('10.244.2.5', 'zone-b')];
    await session.create(service('web', { clusterIP: ip }), slice('web-1', { endpoints }));
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)]);
    const label = (zone: string | null) =>
      session.cluster.objects.patch(node, {
        metadata: { labels: { 'topology.kubernetes.io/zone': zone } },
      });
    await label('zone-b');
    await session.shows(ip, [`TCP ${ip}:80 rr: | 10.244.2.5:8080 Masq 1`, ...clusterIpLines(ip)]);
    await label(null);
    const both = `TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1 | 10.244.2.5:8080 Masq 1`;
    await session.shows(ip, [both, ...clusterIpLines(ip)]);
    await label('zone-a');
  });
});

describe('what takes a Service away', () => {
  const ip = '10.96.1.4';
  const lines = [`TCP ${ip}:80 rr: | 10.244.1.5:8080 Masq 1`, ...clusterIpLines(ip)];

  test('the type becomes ExternalName, and back', async () => {
    const web = service('web', { clusterIP: ip });
    await session.create(web, slice('web-1'));
    await session.shows(ip, lines);
    const away = {
      type: 'ExternalName',
      externalName: 'example.org',
      clusterIP: '',
      clusterIPs: null,
    };
    await session.cluster.objects.patch(web, { spec: away });
    await session.shows(ip, gone);
    const back = { type: 'ClusterIP', externalName: null, clusterIP: ip, clusterIPs: [ip] };
    await session.cluster.objects.patch(web, { spec: back });
    await session.shows(ip, lines);
  });

  test.each(['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'])(
    'the label %s, until it goes',
    async (label) => {
      const web = service('web', { clusterIP: ip });
      await session.create(web, slice('web-1'));
      await session.shows(ip, lines);
      await session.cluster.objects.patch(web, { metadata: { labels: { [label]: 'other' } } });
      await session.shows(ip, gone);
      await session.cluster.objects.patch(web, { metadata: { labels: { [label]: null } } });
      await session.shows(ip, lines);
    },
  );

  test('a headless Service programs nothing', async () => {
    await session.create(service('none', { clusterIP: 'None' }), slice('none-1'));
    await session.create(service('web', { clusterIP: ip }), slice('web-1'));
    await session.shows(ip, lines);
    await session.shows('10.244.1.5', gone);
  });
});

test('real traffic to the ClusterIP of the API server reaches it', async () => {
  const kubernetes = slice('kubernetes-1', {
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
    endpoints: [endpoint('198.18.0.1')],
  });
  await session.create(kubernetes);
  await session.shows('10.96.0.1:443', ['TCP 10.96.0.1:443 rr: | 198.18.0.1:6443 Masq 1']);
  const url = 'https://10.96.0.1/version';
  const { stdout, stderr } = await session.cluster.lab.exec([
    'curl',
    '-sSk',
    '--max-time',
    '5',
    url,
  ]);
  expect({ stdout, stderr }).toEqual({
    stdout: expect.stringContaining('"gitVersion"'),
    stderr: '',
  });
});

test('a taint of the autoscaler or a deletion makes the node not eligible', async () => {
  expect((await session.cluster.health('/healthz')).status).toBe(200);
  const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }];
  await session.cluster.objects.patch(node, { spec: { taints } });
  await eventually(async () => {
    const { status, body } = await session.cluster.health('/healthz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ nodeEligible: false });
  });
  expect((await session.cluster.health('/livez')).status).toBe(200);
  await session.cluster.objects.patch(node, { spec: { taints: null } });
  await eventually(async () => expect((await session.cluster.health('/healthz')).status).toBe(200));
});

test('the log of all this names no failure', () => {
  const lines = session.run.log().split('\n');
  expect(lines.filter((line) => line.startsWith('E'))).toEqual([]);
});
