// Where the Services come from and how they are changed: the files of demo/ (a copy, which the demo
// edits as an operator would), or a real API server that got the same objects. Decides the flags
// that point kube-ipvs at one or the other.

import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { checkout } from '../../packaging/machine.mjs';
import {
  ClusterObjects,
  type ApiAddress,
  type ClusterObject,
} from '../../test/support/e2e/clusterObjects.ts';
import { withoutPod, type SliceObject } from './endpoints.ts';
import type { Report } from './report.ts';

export interface DemoServices {
  /** For `kube-ipvs run`. */
  readonly flags: readonly string[];
  /**
   * Takes a pod's endpoints out of a Service of `cluster-ip.yaml`. @returns what was done, in a
   * sentence
   */
  takeAway(pod: string): Promise<string>;
  bringBack(pod: string): Promise<string>;
  /** For the shell of --keep: how to change a Service by hand, and what that does. */
  readonly hint: string;
  readonly hintSays: string;
  /** Further commands of that shell: name → line for sh */
  readonly commands: Readonly<Record<string, string>>;
}

const manifestFolder = join(checkout, 'demo');
const scaledFile = 'cluster-ip.yaml';

/** @param folder for what is written */
export async function openServices(folder: string, report: Report): Promise<DemoServices> {
  const kubeconfig = process.env['KUBE_IPVS_DEMO_KUBECONFIG'];
  return kubeconfig === undefined
    ? fromFiles(folder, report)
    : fromApiServer(kubeconfig, folder, report);
}

function manifestFiles(): string[] {
  return readdirSync(manifestFolder).filter((name) => name.endsWith('.yaml'));
}

function fromFiles(parent: string, report: Report): DemoServices {
  const folder = join(parent, 'manifests');
  mkdirSync(folder);
  for (const name of manifestFiles()) cpSync(join(manifestFolder, name), join(folder, name));
  const path = join(folder, scaledFile);
  const original = readFileSync(path, 'utf8');
  // Whole or not at all: a reader never sees half a file.
  const write = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  report.note(`Services: ${manifestFiles().join(', ')} of demo/, without any API server.`);
  return {
    flags: ['--manifests', folder],
    takeAway: async (pod) => {
      write(withoutPod(original, pod));
      return `${scaledFile} rewritten without the endpoints of ${pod}`;
    },
    bringBack: async (pod) => {
      write(original);
      return `${scaledFile} rewritten with the endpoints of ${pod} again`;
    },
    hint: "sed -i 's/port: 80$/port: 81/' $DEMO/manifests/cluster-ip.yaml",
    hintSays: 'change a Service; then: client curl -s 10.96.0.10:81',
    commands: {},
  };
}

async function fromApiServer(
  kubeconfig: string,
  folder: string,
  report: Report,
): Promise<DemoServices> {
  const address = apiAddress(kubeconfig);
  const objects = new ClusterObjects(address);
  const wanted = manifestFiles().flatMap((name) =>
    parseAllDocuments(readFileSync(join(manifestFolder, name), 'utf8')).map(
      (document) => document.toJS() as ClusterObject,
    ),
  );
  for (const object of wanted) await createWithStatus(objects, object);
  const slices = wanted.filter(
    (object): object is SliceObject =>
      object.kind === 'EndpointSlice' && object.metadata.name.startsWith('web-'),
  );
  report.note(
    `Services: ${wanted.length} objects created from demo/*.yaml in a real kube-apiserver (etcd behind it).`,
  );
  const patchAll = async (endpointsOf: (slice: SliceObject) => SliceObject['endpoints']) => {
    for (const slice of slices) await objects.patch(slice, { endpoints: endpointsOf(slice) });
  };
  return {
    flags: ['--kubeconfig', kubeconfig],
    takeAway: async (pod) => {
      await patchAll(({ endpoints }) => endpoints.filter((each) => each.targetRef.name !== pod));
      return `EndpointSlices of web patched through the API: without ${pod}`;
    },
    bringBack: async (pod) => {
      await patchAll(({ endpoints }) => endpoints);
      return `EndpointSlices of web patched through the API: with ${pod} again`;
    },
    hint: 'api /api/v1/namespaces/default/services/shop -X DELETE',
    hintSays: 'ask the API server; then: outside curl -s 192.0.2.11:30080',
    commands: { api: askApi(address, folder) },
  };
}

/**
 * The API server takes the status by its subresource only; Services of our class get theirs from
 * us.
 */
async function createWithStatus(objects: ClusterObjects, object: ClusterObject) {
  await objects.create(object);
  const { status, spec } = object as ClusterObject & { spec?: { loadBalancerClass?: string } };
  if (spec?.loadBalancerClass !== undefined) return;
  if (status !== undefined) await objects.patch(object, { status }, 'status');
}

function askApi({ url, token, ca }: ApiAddress, folder: string): string {
  writeFileSync(join(folder, 'ca.crt'), ca);
  const path = '"$1"; shift';
  const curl = `curl -sS --cacert ${folder}/ca.crt -H 'Authorization: Bearer ${token}'`;
  return `path=${path}; exec ${curl} "$@" "${url}$path"`;
}

function apiAddress(kubeconfig: string): ApiAddress {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ user: { token: string } }];
  };
  const { server, 'certificate-authority-data': authority } = clusters[0].cluster;
  const ca = Buffer.from(authority, 'base64').toString();
  return { url: server, ca, token: users[0].user.token };
}
