import { expect, test } from '@jest/globals';
import { DesiredCluster } from '../../support/objects/desiredCluster.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const SHARED = '80.11.12.10';
const https = [{ name: '', protocol: 'TCP' as const, port: 443, nodePort: 0, index: 0 }];

/** Two Services on one externalIP, each with its own port; then the first goes. */
function afterOneWent(): DesiredCluster {
  const cluster = new DesiredCluster().service('web', { externalIPs: [SHARED] });
  cluster.service('tls', { externalIPs: [SHARED], clusterIPs: ['10.96.0.11'], ports: https });
  cluster.builder.settle();
  cluster.remove('web').builder.settle();
  expect([...cluster.builder.state.addresses]).toContain(SHARED);
  return cluster;
}

test('of two Services with one address, after one went the other is looked at again when a Node gets that address', () => {
  const cluster = afterOneWent();
  cluster.node('node-2', { addresses: [SHARED] }).builder.settle();
  expect([...cluster.builder.state.addresses]).toEqual(['10.96.0.11']);
});

test('and when the default gateway becomes it', () => {
  const cluster = afterOneWent();
  cluster.builder.setHost(hostNetwork({ defaultGateways: [SHARED] }));
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses]).toEqual(['10.96.0.11']);
});

test('a gateway that is one no longer gives its address back', () => {
  const cluster = new DesiredCluster({ defaultGateways: [SHARED] });
  cluster.service('web', { externalIPs: [SHARED] }).builder.settle();
  expect([...cluster.builder.state.addresses]).toEqual(['10.96.0.10']);
  cluster.builder.setHost(hostNetwork());
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses]).toEqual(['10.96.0.10', SHARED]);
});
