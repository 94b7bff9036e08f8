// The chart against a real API server: what it renders is valid there, helm installs, upgrades,
// rolls back and uninstalls it, and the product gets along with the rights of its ServiceAccount
// and has no others.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { openSource } from '../../src/inputs/source.ts';
import { type ClusterChange, ClusterStore } from '../../src/model/clusterStore.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { RestClientMetrics } from '../../src/ops/restClientMetrics.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { type ClusterObject, ClusterObjects } from '../support/e2e/clusterObjects.ts';
import { eventually } from '../support/e2e/cluster.ts';
import { service, slice } from '../support/e2e/objects.ts';
import { accountToken } from './account.ts';
import { serviceMonitors } from './serviceMonitors.ts';
import { CHART, ciValues, Helm, NAMESPACE, objectsIn, RELEASE, theOnly } from './helm.ts';

let server: ApiServer;
let helm: Helm;

beforeAll(async () => {
  server = await ApiServer.start({ flags: ['--allow-privileged=true'] });
  helm = new Helm(server.writeKubeconfig());
}, 120_000);

afterAll(async () => {
  helm?.close();
  await server?.stop();
}, 30_000);

/** Path of an object for server-side apply. */
function pathOf({ apiVersion, kind, metadata }: ClusterObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const isClusterWide = kind.startsWith('Cluster') || kind === 'CustomResourceDefinition';
  const scope = isClusterWide ? '' : `/namespaces/${metadata.namespace ?? NAMESPACE}`;
  return `${root}${scope}/${kind.toLowerCase()}s/${metadata.name}`;
}

async function apply(object: ClusterObject, parameters = '') {
  const path = `${pathOf(object)}?fieldManager=test&force=true&fieldValidation=Strict${parameters}`;
  return server.objects.request('PATCH', path, object, 'application/apply-patch+yaml');
}

describe('the API server’s own dry run', () => {
  beforeAll(async () => {
    const { status, text } = await apply(serviceMonitors);
    if (status !== 201) throw new Error(text);
    const probe = '/apis/monitoring.coreos.com/v1/servicemonitors';
    await eventually(async () => {
      if ((await server.objects.request('GET', probe)).status !== 200)
        throw new Error('not served');
    });
  });

  test.each(ciValues)(
    'takes every object of %s values, without an unknown field',
    async (_, file) => {
      const objects = helm.objects(`--values=${file}`);
      const answers = await Promise.all(objects.map((object) => apply(object, '&dryRun=All')));
      expect(
        answers.map(
          ({ status, text }, i) => `${objects[i]!.kind} ${status < 300 ? 'valid' : text}`,
        ),
      ).toEqual(objects.map(({ kind }) => `${kind} valid`));
    },
  );

  test('would refuse a field that is not there', async () => {
    const daemonSet = theOnly(helm.objects(`--values=${ciValues[0]![1]}`), 'DaemonSet');
    const wrong = { ...daemonSet, spec: { ...(daemonSet['spec'] as object), replicas: 2 } };
    expect(await apply(wrong, '&dryRun=All')).toMatchObject({
      text: expect.stringContaining('.spec.replicas: field not declared in schema'),
    });
  });
});

describe('the life of a release', () => {
  const args = [RELEASE, CHART, `--namespace=${NAMESPACE}`];
  const stored = async (kind: string, apiVersion: string, name = RELEASE) => {
    const metadata = { name, namespace: NAMESPACE };
    const { status, text } = await server.objects.request(
      'GET',
      pathOf({ apiVersion, kind, metadata }),
    );
    return status === 200 ? (JSON.parse(text) as ClusterObject) : undefined;
  };
  const scheduler = async () => {
    const data = (await stored('ConfigMap', 'v1'))!['data'] as Record<string, string>;
    return /scheduler: (\w+)/.exec(data['config.yaml']!)![1];
  };
  const template = async () =>
    (
      (await stored('DaemonSet', 'apps/v1'))!['spec'] as {
        readonly template: { readonly metadata: { readonly annotations: Record<string, string> } };
      }
    ).template;
  const checksum = async () => (await template()).metadata.annotations['checksum/config'];
  let first: string | undefined;

  test('it is not installed where nothing tells the API server’s address', () => {
    expect(helm.run('install', ...args)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/apiServer\.url is needed.*this cluster has no ConfigMap/),
    });
  });

  test('with kubeadm’s cluster-info it is installed without any value', async () => {
    const kubeconfig = `clusters:\n- cluster:\n    server: https://192.0.2.77:6443\n  name: ""\n`;
    await server.objects.request('POST', '/api/v1/namespaces', {
      metadata: { name: 'kube-public' },
    });
    const info = { metadata: { name: 'cluster-info' }, data: { kubeconfig } };
    await server.objects.request('POST', '/api/v1/namespaces/kube-public/configmaps', info);
    const notes = helm.must('install', ...args);
    expect(notes).toContain(`rollout status daemonset/${RELEASE}`);
    expect(notes).not.toContain('WARNING');
    const { data } = (await stored('ConfigMap', 'v1')) as unknown as {
      readonly data: Record<string, string>;
    };
    expect(data['kubeconfig.yaml']).toContain('server: https://192.0.2.77:6443');
    expect(await scheduler()).toBe('rr');
    first = await checksum();
  });

  test('an upgrade with another value changes the configuration and the pods’ template', async () => {
    const set = '--set=config.ipvs.scheduler=wrr';
    helm.must('upgrade', ...args, '--reset-then-reuse-values', set);
    expect(await scheduler()).toBe('wrr');
    expect(await checksum()).not.toBe(first);
  });

  test('an upgrade with a wrong value changes nothing', async () => {
    const { status } = helm.run('upgrade', ...args, '--set=config.ipvs.scheduler=x');
    expect(status).toBe(1);
    expect(await scheduler()).toBe('wrr');
  });

  test('a rollback brings back the first configuration and the first template', async () => {
    helm.must('rollback', RELEASE, '1', `--namespace=${NAMESPACE}`);
    expect(await scheduler()).toBe('rr');
    expect(await checksum()).toBe(first);
  });

  test('beside kube-proxy the notes say what to do', async () => {
    const labels = { app: 'kube-proxy' };
    const podTemplate = { metadata: { labels }, spec: { containers: [{ name: 'x', image: 'x' }] } };
    const daemonSet = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'kube-proxy', namespace: NAMESPACE },
      spec: { selector: { matchLabels: labels }, template: podTemplate },
    };
    expect((await apply(daemonSet)).status).toBe(201);
    const notes = helm.must('upgrade', ...args);
    expect(notes).toMatch(
      /WARNING: kube-proxy is still there[^]*delete daemonset\/kube-proxy configmap\/kube-proxy/,
    );
  });

  test('the commands of the notes are understood by the API server', async () => {
    const selector = 'fieldSelector=reportingComponent%3Dkube-ipvs';
    expect((await server.objects.request('GET', `/api/v1/events?${selector}`)).status).toBe(200);
  });

  test('an uninstallation removes every object', async () => {
    const objects = objectsIn(helm.must('get', 'manifest', RELEASE, `--namespace=${NAMESPACE}`));
    expect(objects).toHaveLength(5);
    helm.must('uninstall', RELEASE, `--namespace=${NAMESPACE}`);
    const left = await Promise.all(
      objects.map(({ kind, apiVersion, metadata }) => stored(kind, apiVersion, metadata.name)),
    );
    expect(left.filter((object) => object !== undefined)).toEqual([]);
  });
});

describe('the rights of the ServiceAccount', () => {
  let token: string;

  beforeAll(async () => {
    helm.must(
      'install',
      RELEASE,
      CHART,
      `--namespace=${NAMESPACE}`,
      `--set=apiServer.url=${server.url}`,
    );
    token = await accountToken(server.objects);
  });

  /** Asks the API server as the account itself. */
  async function mayI(verb: string, resource: string, group: string): Promise<boolean> {
    const account = new ClusterObjects({ url: server.url, token, ca: server.ca });
    const [name, subresource] = resource.split('/');
    const resourceAttributes = { verb, group, resource: name, subresource, namespace: NAMESPACE };
    const { text } = await account.request(
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      },
    );
    account.close();
    return (JSON.parse(text) as { readonly status: { readonly allowed: boolean } }).status.allowed;
  }

  /** verb, resource, API group */
  const NEEDED: readonly (readonly [string, string, string])[] = [
    ['list', 'services', ''],
    ['watch', 'services', ''],
    ['list', 'nodes', ''],
    ['watch', 'nodes', ''],
    ['list', 'endpointslices', 'discovery.k8s.io'],
    ['watch', 'endpointslices', 'discovery.k8s.io'],
    ['create', 'events', 'events.k8s.io'],
    ['patch', 'events', 'events.k8s.io'],
  ];

  test.each(NEEDED)('it may %s %s', async (verb, resource, group) => {
    expect(await mayI(verb, resource, group)).toBe(true);
  });

  test.each([
    ['get', 'secrets', ''],
    ['list', 'secrets', ''],
    ['list', 'configmaps', ''],
    ['list', 'pods', ''],
    ['create', 'pods', ''],
    ['create', 'pods/exec', ''],
    ['create', 'services', ''],
    ['update', 'services', ''],
    ['patch', 'services/status', ''],
    ['delete', 'services', ''],
    ['patch', 'nodes', ''],
    ['update', 'nodes/status', ''],
    ['delete', 'nodes', ''],
    ['get', 'nodes/proxy', ''],
    ['update', 'endpointslices', 'discovery.k8s.io'],
    ['delete', 'endpointslices', 'discovery.k8s.io'],
    ['delete', 'events', 'events.k8s.io'],
    ['list', 'namespaces', ''],
    ['patch', 'daemonsets', 'apps'],
    ['create', 'serviceaccounts/token', ''],
    ['impersonate', 'users', ''],
    ['escalate', 'clusterroles', 'rbac.authorization.k8s.io'],
    ['create', 'clusterrolebindings', 'rbac.authorization.k8s.io'],
    ['update', 'leases', 'coordination.k8s.io'],
    ['list', '*', '*'],
  ])('it may not %s %s', async (verb, resource, group) => {
    expect(await mayI(verb, resource, group)).toBe(false);
  });

  test.each(NEEDED)(
    'kube-proxy’s own user, which docs/install.md uses, may %s %s',
    async (verb, resource, group) => {
      const review = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
      const { text } = await server.objects.request('POST', review, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: 'system:kube-proxy', resourceAttributes: { verb, group, resource } },
      });
      expect(JSON.parse(text)).toMatchObject({ status: { allowed: true } });
    },
  );

  test('a request that it may not make is refused, not only a review', async () => {
    const account = new ClusterObjects({ url: server.url, token, ca: server.ca });
    expect(await account.request('GET', '/api/v1/secrets')).toMatchObject({ status: 403 });
    account.close();
  });

  test('the product’s source and its Events work with the kubeconfig of the chart', async () => {
    const folder = join(server.folder, 'account');
    mkdirSync(folder);
    writeFileSync(join(folder, 'token'), token);
    writeFileSync(join(folder, 'ca.crt'), server.ca);
    const manifest = objectsIn(helm.must('get', 'manifest', RELEASE, `--namespace=${NAMESPACE}`));
    const { data } = theOnly(manifest, 'ConfigMap') as unknown as {
      readonly data: Record<string, string>;
    };
    const kubeconfig = join(folder, 'kubeconfig.yaml');
    const mounted = '/var/run/secrets/kubernetes.io/serviceaccount';
    writeFileSync(kubeconfig, data['kubeconfig.yaml']!.replaceAll(mounted, folder));

    const opened = openSource(
      { kind: 'apiServer', kubeconfig, master: '', qps: 50, burst: 100 },
      {
        nodeName: 'node1',
        version: 'test',
        clock: new SystemClock(),
        log: { verbose: () => {} } as never,
        env: {},
        requests: new RestClientMetrics(new Registry()),
      },
    );
    const changes: ClusterChange[] = [];
    const statuses: string[] = [];
    let isSynced = false;
    await opened.source.start({
      store: new ClusterStore(),
      onChange: (change) => changes.push(change),
      onProblems: () => {},
      onSynced: () => (isSynced = true),
      onStatus: ({ detail }) => statuses.push(detail),
    });
    try {
      await eventually(() => expect({ isSynced, statuses }).toMatchObject({ isSynced: true }));
      await server.objects.create(service('web'));
      await server.objects.create(slice('web-1'));
      await eventually(() => {
        const seen = changes.map(({ kind, key }) => `${kind} ${key}`);
        expect(seen).toEqual(
          expect.arrayContaining(['Service default/web', 'EndpointSlice default/web-1']),
        );
      });
      opened.events!.record({
        type: 'Warning',
        reason: 'Test',
        action: 'Test',
        note: 'from the chart’s account',
        regarding: { kind: 'Service', namespace: 'default', name: 'web' },
      });
      await eventually(async () => {
        const written = await server.objects.list('events.k8s.io/v1', 'Event');
        expect(written).toContainEqual(
          expect.objectContaining({ note: 'from the chart’s account' }),
        );
      });
      expect(statuses.at(-1)).toMatch(/^watching /);
    } finally {
      await opened.close();
    }
  });
});
