/**
 * Whose virtual servers are, from manifests: by what the configuration means on this node, as
 * `plan` shows it and `run` makes it.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { splitOwnOptions } from '../../../../src/cli/listing/ownOptions.ts';
import { readOwners } from '../../../../src/cli/listing/readOwners.ts';
import type { IpvsService } from '../../../../src/netlink/ipvs.ts';
import { runCommand, Scratch } from '../../../support/program/command.ts';
import { hostNetwork } from '../../../support/objects/nodeFixtures.ts';

const CLUSTER = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  type: NodePort
  clusterIPs: [10.96.0.20]
  ports: [{ name: http, port: 80, nodePort: 30080 }]
---
apiVersion: v1
kind: Node
metadata: { name: node-1 }
status: { addresses: [{ type: InternalIP, address: 192.168.0.1 }] }
`;

const CONFIG = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ipvs
bindAddress: 192.0.2.2
nodePortAddresses: [primary]
`;

const INTERFACES = [
  { name: 'eth0', addresses: ['192.168.0.1/24'] },
  { name: 'eth1', addresses: ['192.0.2.2/24'] },
];

let scratch: Scratch;
let words: readonly string[];
beforeAll(async () => {
  scratch = await Scratch.make();
  const config = await scratch.write('config.yaml', CONFIG);
  const cluster = await scratch.write('cluster.yaml', CLUSTER);
  words = ['--config', config, '--manifests', cluster];
});
afterAll(() => scratch.remove());

async function plannedNodePorts(): Promise<readonly string[]> {
  const described = JSON.stringify({ nodeName: 'node-1', interfaces: INTERFACES });
  const host = await scratch.write('host.yaml', described);
  const { stdout } = await runCommand(['plan', ...words, '--host', host, '-o', 'json']);
  const { desired } = JSON.parse(stdout) as {
    desired: { virtualServers: readonly { address: string; port: number }[] };
  };
  return desired.virtualServers.filter(({ port }) => port === 30080).map(({ address }) => address);
}

test('a NodePort on the address that bindAddress names has its owner, as plan has it there', async () => {
  expect(await plannedNodePorts()).toEqual(['192.0.2.2']);
  const { own } = splitOwnOptions(['--services', ...words]);
  const owners = await readOwners(own, {
    env: {},
    host: hostNetwork({ interfaces: INTERFACES.map((each) => ({ ...each, isUp: true })) }),
  });
  const ownerAt = (address: string) =>
    owners.serviceOf({ address, port: 30080, protocol: 6 } as IpvsService);
  expect(ownerAt('192.0.2.2')).toBe('shop/web:http');
  expect(ownerAt('192.168.0.1')).toBeUndefined();
});

test('a bad --features file is bad input, with its place', async () => {
  const head = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: FeaturesConfiguration\n';
  const file = await scratch.write('features.yaml', `${head}takeovr: true\n`);
  const { own } = splitOwnOptions(['--services', ...words, '--features', file]);
  await expect(readOwners(own, { env: {} })).rejects.toMatchObject({
    exitCode: 2,
    message: `error: ${file}:3:1: FeaturesConfiguration.takeovr (true): unknown field (did you mean takeover?)`,
  });
});
