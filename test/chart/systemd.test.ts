// The unit under a real systemd: in the lab a systemd that knows our unit only, as the first
// process of a process namespace. The product and its files are laid over the lab's own tree as
// packaging/install.sh installs them.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runFolder } from '../lab/session.mjs';
import { checkout } from '../../packaging/machine.mjs';
import { eventually } from '../support/e2e/cluster.ts';
import { Lab } from '../support/lab/lab.ts';
import type * as InLab from './inLab.ts';

const IN_LAB = 'test/chart/inLab.ts';
const CLUSTER_IP = '10.96.0.80';

const manifests = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: ${CLUSTER_IP}, clusterIPs: [${CLUSTER_IP}], ipFamilies: [IPv4], ports: [{ port: 80, protocol: TCP, targetPort: 8080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: '', port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.5], conditions: { ready: true } }]
`;

const config = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ipvs
clusterCIDR: 10.244.0.0/16
hostnameOverride: lab-node
`;

const run = runFolder();
const root = join(run.folder, 'root');
const log = join(run.folder, 'log');
let lab: Lab;

beforeAll(async () => {
  execFileSync(process.execPath, [join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
  execFileSync('sh', [join(checkout, 'packaging', 'install.sh'), root]);
  const etc = join(root, 'etc', 'kubernetes', 'kube-ipvs');
  mkdirSync(join(etc, 'manifests'), { recursive: true });
  writeFileSync(join(etc, 'config.yaml'), config);
  writeFileSync(join(etc, 'manifests', 'web.yaml'), manifests);
  writeFileSync(log, '');
  lab = await Lab.start();
  await lab.call<typeof InLab.buildPods>(IN_LAB, 'buildPods');
  await lab.call<typeof InLab.prepareNode>(IN_LAB, 'prepareNode', []);
  await lab.call<typeof InLab.startSystemd>(IN_LAB, 'startSystemd', root, log);
}, 180_000);

afterAll(async () => {
  await lab?.close();
  run.remove();
}, 60_000);

const entries = () => readFileSync(log, 'utf8');
const starts = () => entries().match(/"first sync done"/g)?.length ?? 0;
const pidOf = (word: string) => lab.call<typeof InLab.pidOf>(IN_LAB, 'pidOf', word);

/** Where that systemd is the first process. */
async function systemctl(...argv: readonly string[]) {
  const systemd = await pidOf('--unit=multi-user.target');
  return lab.exec(['nsenter', `--target=${systemd}`, '--mount', '--pid', 'systemctl', ...argv]);
}
const ask = () => lab.call<typeof InLab.ask>(IN_LAB, 'ask', 'client', CLUSTER_IP, 80);

async function property(name: string): Promise<string> {
  const { stdout, stderr } = await systemctl('show', '--value', `--property=${name}`, 'kube-ipvs');
  return stdout.trim() || stderr;
}

const syncedTimes = (count: number) =>
  eventually(() => {
    if (starts() !== count) throw new Error(`${starts()} first syncs, not ${count}:\n${entries()}`);
  }, 100_000);

test('the program goes by its three names, but hides no other program', () => {
  const links = join(root, 'usr', 'local', 'bin');
  for (const name of ['kube-ipvs', 'kube-proxy', 'ipvsadm'])
    expect(readlinkSync(join(links, name))).toBe('/usr/local/lib/kube-ipvs/kube-ipvs.js');
  const other = join(run.folder, 'other');
  const theirs = join(other, 'usr', 'sbin', 'ipvsadm');
  mkdirSync(dirname(theirs), { recursive: true });
  writeFileSync(theirs, '');
  const install = join(checkout, 'packaging', 'install.sh');
  const { status, stderr } = spawnSync('sh', [install, other], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: `${theirs} is left as it is; ours of that name is kube-ipvs ipvsadm\n`,
  });
  expect(readdirSync(join(other, 'usr', 'local', 'bin'))).toEqual(['kube-ipvs', 'kube-proxy']);
});

test('systemd starts it, and a Service answers', async () => {
  await syncedTimes(1);
  expect(await ask()).toMatchObject({ kind: 'answered', by: 'server' });
  expect(entries()).toContain('kernel modules are loaded');
  expect(entries()).not.toMatch(/^E\d{4} /m);
  expect(await property('ActiveState')).toBe('active');
}, 150_000);

test('it has two capabilities and a read-only file system', async () => {
  const pid = await pidOf('/usr/local/bin/kube-ipvs');
  const { stdout: status } = await lab.exec(['cat', `/proc/${pid}/status`]);
  expect(/^CapEff:\s*(\w+)/m.exec(status)![1]).toBe('0000000000003000');
  const { stdout: mounts } = await lab.exec(['cat', `/proc/${pid}/mounts`]);
  expect(mounts).toMatch(/ \/ \w+ ro,/);
});

test('killed, it is started again and finds everything in place', async () => {
  const pid = await pidOf('/usr/local/bin/kube-ipvs');
  await lab.exec(['kill', '-9', String(pid)]);
  await syncedTimes(2);
  expect(
    entries()
      .trimEnd()
      .split('\n')
      .findLast((line) => line.includes('first sync done')),
  ).toMatch(/kernelWrites=0 /);
}, 150_000);

test('stopped, it leaves what is programmed', async () => {
  expect(await systemctl('stop', 'kube-ipvs')).toMatchObject({ status: 0 });
  expect(await property('ActiveState')).toBe('inactive');
  expect(await property('Result')).toBe('success');
  expect(await ask()).toMatchObject({ kind: 'answered', by: 'server' });
  expect((await lab.exec(['ls', '/run/kube-ipvs'])).status).toBe(0);
}, 60_000);
