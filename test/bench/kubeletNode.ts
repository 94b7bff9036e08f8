/**
 * A Node as a kubelet of 1.37 registers and renews it: fifty images, five conditions, labels,
 * annotations, a pod range; 15 kB as the API server sends it in JSON, no two alike.
 */
import { createHash } from 'node:crypto';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

/** As many as a kubelet tells of by default (`nodeStatusMaxImages`). */
const IMAGES = 50;

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'posting ready status'],
] as const;

export const nodeName = (index: number): string => `worker-${index}.cluster.example.net`;

/** Of 198.18.0.0/15 but the part that the lab uses. */
export const nodeAddress = (index: number): string => `198.19.${(index >> 8) & 255}.${index & 255}`;

export function kubeletNode(index: number, at = new Date(0)): ClusterObject {
  const name = nodeName(index);
  const address = nodeAddress(index);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: labelsOf(index), annotations: ANNOTATIONS },
    spec: {
      podCIDR: podCidr(index),
      podCIDRs: [podCidr(index)],
      providerID: `example:///zone-${index % 3}/i-${hexOf(name, 17)}`,
    },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      capacity: RESOURCES,
      allocatable: RESOURCES,
      conditions: conditionsAt(at),
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      nodeInfo: {
        architecture: 'amd64',
        bootID: hexOf(`boot ${name}`, 32),
        containerRuntimeVersion: 'containerd://2.1.4',
        kernelVersion: '6.12.0-1-cloud-amd64',
        kubeProxyVersion: '',
        kubeletVersion: 'v1.37.2',
        machineID: hexOf(`machine ${name}`, 32),
        operatingSystem: 'linux',
        osImage: 'Debian GNU/Linux 13 (trixie)',
        systemUUID: hexOf(`system ${name}`, 32),
      },
      images: Array.from({ length: IMAGES }, (_, image) => imageOf(index, image)),
    },
  };
}

/** What a kubelet sends when nothing but the time has changed, every five minutes. */
export function heartbeat(at: Date): unknown {
  return { status: { conditions: conditionsAt(at) } };
}

function conditionsAt(at: Date): unknown {
  return CONDITIONS.map(([type, status, reason, message]) => ({
    type,
    status,
    reason,
    message: `kubelet has ${message}`,
    lastHeartbeatTime: at.toISOString().replace(/\.\d+/, ''),
    lastTransitionTime: '2026-11-24T15:04:05Z',
  }));
}

const RESOURCES = {
  cpu: '16',
  'ephemeral-storage': '101430960Ki',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '65838292Ki',
  pods: '110',
};

const ANNOTATIONS = {
  'node.alpha.kubernetes.io/ttl': '0',
  'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
};

function labelsOf(index: number): Record<string, string> {
  const zone = `region-1${'abc'[index % 3]!}`;
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': nodeName(index),
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'm7.4xlarge',
    'topology.kubernetes.io/region': 'region-1',
    'topology.kubernetes.io/zone': zone,
  };
}

/** Nodes have most images in common, and hold each in one of a few versions. */
function imageOf(index: number, image: number): unknown {
  const version = (index + image) % 4;
  const repository = `registry.example.net/team-${image % 7}/service-${image}`;
  const digest = hexOf(`${repository} ${version}`, 64);
  return {
    names: [`${repository}@sha256:${digest}`, `${repository}:v1.${image}.${version}`],
    sizeBytes: 10_000_000 + image * 1_234_567 + version,
  };
}

const podCidr = (index: number) => `10.${index >> 8}.${index & 255}.0/24`;

function hexOf(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
