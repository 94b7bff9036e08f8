// What helm makes of the chart without a cluster: it lints, renders, refuses wrong values in words
// that name the value, and the configuration in it is one that the product takes as it is.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { parseHostPort } from '../../src/net/hostPort.ts';
import { decodeConfiguration } from '../../src/config/kubeProxyConfiguration.ts';
import { validateConfiguration } from '../../src/config/validate.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { readmes } from '../../packaging/chartReadme.ts';
import { CHART, ciValues, Helm, NAMESPACE, objectsIn, RELEASE, theOnly } from './helm.ts';
import { podSpecOf } from './pod.ts';

const helm = new Helm();
afterAll(() => helm.close());

const URL = '--set=apiServer.url=https://192.0.2.10:6443';

const configOf = (objects: readonly ClusterObject[]) =>
  (theOnly(objects, 'ConfigMap')['data'] as Record<string, string>)['config.yaml']!;

const checksumOf = (objects: readonly ClusterObject[]) => {
  const spec = theOnly(objects, 'DaemonSet')['spec'] as {
    readonly template: { readonly metadata: { readonly annotations: Record<string, string> } };
  };
  return spec.template.metadata.annotations['checksum/config'];
};

test('there are ci values', () => expect(ciValues.length).toBeGreaterThanOrEqual(7));

test('the chart lints without values', () => {
  expect(helm.run('lint', CHART)).toMatchObject({ status: 0 });
});

test.each(ciValues)('%s values lint and render', (_, file) => {
  expect(helm.must('lint', '--strict', CHART, `--values=${file}`)).toContain('0 chart(s) failed');
  expect(helm.objects(`--values=${file}`).length).toBeGreaterThan(1);
});

test.each(ciValues)('the configuration of %s values is one the product takes whole', (_, file) => {
  const { configuration, unknown, problems } = decodeConfiguration(
    parse(configOf(helm.objects(`--values=${file}`))),
  );
  expect({ problems, unknown }).toEqual({ problems: undefined, unknown: [] });
  expect(validateConfiguration(configuration!)).toEqual([]);
  expect(configuration!.mode).toBe('ipvs');
});

test.each(ciValues)('the probes of %s values ask where the health server listens', (_, file) => {
  const objects = helm.objects(`--values=${file}`);
  const { healthzBindAddress } = parse(configOf(objects)) as Record<string, string>;
  const { address, port } = parseHostPort(healthzBindAddress!)!;
  const [container] = podSpecOf(theOnly(objects, 'DaemonSet')).containers as unknown as readonly {
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly livenessProbe: { readonly httpGet: { readonly host: string; readonly port: string } };
  }[];
  const { httpGet } = container!.livenessProbe;
  const named = container!.ports.find(({ name }) => name === httpGet.port);
  expect(named?.containerPort).toBe(port);
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  expect(httpGet.host).toBe(loopback[address] ?? address);
});

test('without an address of the API server it says what to give, and that nobody was asked', () => {
  const { status, stderr } = helm.run('template', RELEASE, CHART);
  expect(status).toBe(1);
  expect(stderr).toMatch(/apiServer\.url is needed.*https:.*no cluster was asked/);
  expect(stderr).not.toContain('this cluster');
});

test('helm lint says once what is missing', () => {
  const { stdout, stderr } = helm.run('lint', CHART);
  expect(`${stdout}${stderr}`.match(/apiServer\.url is needed/g)).toHaveLength(1);
});

describe('as a dependency of another chart', () => {
  const umbrella = mkdtempSync(join(tmpdir(), 'umbrella-'));
  afterAll(() => rmSync(umbrella, { recursive: true }));

  beforeAll(() => {
    cpSync(CHART, join(umbrella, 'charts', 'kube-ipvs'), { recursive: true });
    const { version } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as {
      readonly version: string;
    };
    const dependency = { name: 'kube-ipvs', version, condition: 'kube-ipvs.enabled' };
    const chart = {
      apiVersion: 'v2',
      name: 'platform',
      version: '0.1.0',
      dependencies: [{ ...dependency, repository: '' }],
    };
    writeFileSync(join(umbrella, 'Chart.yaml'), stringify(chart));
    const values = { enabled: true, apiServer: { url: 'https://192.0.2.10:6443' } };
    const global = { imageRegistry: 'mirror.example.com/k8s', storageClass: 'fast' };
    writeFileSync(join(umbrella, 'values.yaml'), stringify({ 'kube-ipvs': values, global }));
  });

  test('its condition switches it, and the global registry is where its image is from', () => {
    const on = objectsIn(helm.must('template', 'x', umbrella, `--namespace=${NAMESPACE}`));
    const { initContainers, containers } = podSpecOf(theOnly(on, 'DaemonSet'));
    for (const { image } of [...initContainers!, ...containers])
      expect(image).toBe('mirror.example.com/k8s/kube-ipvs:0.1.0');
    expect(helm.must('template', 'x', umbrella, '--set=kube-ipvs.enabled=false').trim()).toBe('');
  });
});

test.each([
  ['localhost/kube-ipvs', 'mirror.example.com/kube-ipvs:0.1.0'],
  ['registry.example.com/net/kube-ipvs', 'mirror.example.com/net/kube-ipvs:0.1.0'],
  ['registry:5000/kube-ipvs', 'mirror.example.com/kube-ipvs:0.1.0'],
  ['net/kube-ipvs', 'mirror.example.com/net/kube-ipvs:0.1.0'],
  ['kube-ipvs', 'mirror.example.com/kube-ipvs:0.1.0'],
])('the global registry takes the place of that in %s', (repository, image) => {
  const objects = helm.objects(
    URL,
    `--set=image.repository=${repository}`,
    '--set=global.imageRegistry=mirror.example.com',
  );
  expect(podSpecOf(theOnly(objects, 'DaemonSet')).containers[0]!.image).toBe(image);
});

test.each<[set: string, message: string]>([
  ['config.ipvs.scheduler=rrr', "at '/config/ipvs/scheduler': value must be one of"],
  ['config.ipvs.schedular=rr', "at '/config/ipvs': additional properties 'schedular' not allowed"],
  ['config.ipvs.syncPeriod=30', "at '/config/ipvs/syncPeriod': got number, want string"],
  ['config.ipvs.syncPeriod=half', 'duration_such_as_30s'],
  ['config.ipvs.excludeCIDRs={10.0.0.1}', 'CIDR_such_as_10_244_0_0__16'],
  ['config.ipvs.strictARP=on', "at '/config/ipvs/strictARP': got string, want boolean"],
  [
    'config.iptables.masqueradeBit=32',
    "'/config/iptables/masqueradeBit': maximum: got 32, want 31",
  ],
  ['config.clusterCIDR=10.244.0.0', 'one_CIDR_or_two_separated_by_a_comma'],
  ['config.detectLocalMode=Cluster', "at '/config/detectLocalMode': value must be one of"],
  ['config.detectLocalMode=BridgeInterface', "missing property 'detectLocal'"],
  ['config.nodePortAddresses={primry}', "at '/config/nodePortAddresses/0'"],
  ['metrics.enabled=true', "at '/metrics': additional properties 'enabled' not allowed"],
  ['metrics.serviceMonitor.enabled=true', 'needs a metrics.bindAddress that Prometheus reaches'],
  ['global.imageRegistry=https://mirror', 'registry_without_scheme'],
  ['securityContext.selinux=x', "at '/securityContext': additional properties 'selinux' not"],
  ['apiServer.caCert=/etc/ca.crt', 'PEM_certificate'],
  ['apiServer.url=in-cluster,apiServer.tlsServerName=x', 'not with apiServer.url=in-cluster'],
  ['apiServer.proxyUrl=192.0.2.5:3128', 'http_https_or_socks5_URL'],
  ['hostAliases[0].ip=k8s', 'IP_address_without_port'],
  [
    'features.FeaturesConfiguration.takeovr=true',
    "at '/features/FeaturesConfiguration': additional properties 'takeovr' not allowed",
  ],
  ['features.Feature.x=1', "at '/features': additional properties 'Feature' not allowed"],
  ['config.mode=iptables', "additional properties 'mode' not allowed"],
  ['config.logging.format=xml', "at '/config/logging/format': value must be one of 'text', 'json'"],
  ['config.logging.verbosity=11', "'/config/logging/verbosity': maximum: got 11, want 10"],
  ['config.oomScoreAdj=-2000', "at '/config/oomScoreAdj': minimum"],
  ['config.conntrack.maxPerCore=-1', "at '/config/conntrack/maxPerCore': minimum"],
  ['apiServer.url=192.0.2.1:6443', 'https_URL_or_in_cluster'],
  ['apiServer.port=6443', "at '/apiServer': additional properties 'port' not allowed"],
  ['image.repository=', "at '/image/repository': minLength"],
  ['image.repository=kube-ipvs:1', 'image_name_without_tag'],
  ['image.digest=abc', 'sha256_digest'],
  ['image.pullPolicy=Sometimes', "at '/image/pullPolicy': value must be one of 'Always'"],
  ['health.port=0', "at '/health/port': minimum: got 0, want 1"],
  ['health.bindAddress=0.0.0.0:10256', 'IP_address_without_port'],
  ['metrics.port=70000', "at '/metrics/port': maximum: got 70,000, want 65,535"],
  ['takeover=yes', "at '/takeover': got string, want boolean"],
  ['cleanupOtherModes=yes', "at '/cleanupOtherModes': got string, want boolean"],
  ['updateStrategy.rollingUpdate.maxSurge=1', "maxSurge': value must be 0"],
  ['updateStrategy.rollingUpdate.maxUnavailable=0', 'maxUnavailable'],
  ['extraCapabilities={CAP_SYS_ADMIN}', "at '/extraCapabilities/0': value must be one of"],
  ['extraArgs={verbose}', "at '/extraArgs/0': 'verbose' does not match pattern '^(?<flag>"],
  ['confg.ipvs.scheduler=rr', "additional properties 'confg' not allowed"],
])('%s is refused', (set, message) => {
  const { status, stderr } = helm.run('template', RELEASE, CHART, URL, `--set=${set}`);
  expect(stderr).toContain(message);
  expect(status).toBe(1);
});

test('a change of the configuration or of the API server restarts the pods, another change does not', () => {
  const of = (...sets: readonly string[]) => checksumOf(helm.objects(URL, ...sets));
  const before = of();
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  expect(of('--set=metrics.serviceMonitor.interval=5s')).toBe(before);
  expect(of('--set=config.ipvs.scheduler=wrr')).not.toBe(before);
  expect(of('--set=apiServer.url=https://192.0.2.11:6443')).not.toBe(before);
});

test('every object carries the recommended labels, the pods those that the DaemonSet selects', () => {
  const objects = helm.objects(URL);
  for (const { metadata } of objects) {
    expect(metadata['labels']).toEqual({
      'helm.sh/chart': 'kube-ipvs-0.1.0',
      'app.kubernetes.io/name': 'kube-ipvs',
      'app.kubernetes.io/instance': RELEASE,
      'app.kubernetes.io/version': '0.1.0',
      'app.kubernetes.io/component': 'service-proxy',
      'app.kubernetes.io/managed-by': 'Helm',
    });
  }
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
    'ClusterRole kube-ipvs',
    'ClusterRoleBinding kube-ipvs',
    'ConfigMap kube-ipvs',
    'DaemonSet kube-ipvs',
    'ServiceAccount kube-ipvs',
  ]);
});

test('the main container is not privileged, and only the init container is', () => {
  const { initContainers, containers } = podSpecOf(theOnly(helm.objects(URL), 'DaemonSet'));
  expect(containers[0]!.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsUser: 0,
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(initContainers![0]!.securityContext).toEqual({
    privileged: true,
    readOnlyRootFilesystem: true,
  });
});

test('securityContext adds to what the containers have, and replaces what it names', () => {
  const type = '--set=securityContext.seLinuxOptions.type=spc_t';
  const of = (...sets: readonly string[]) =>
    podSpecOf(theOnly(helm.objects(URL, ...sets), 'DaemonSet'));
  expect(of(type).containers[0]!.securityContext).toMatchObject({
    seLinuxOptions: { type: 'spc_t' },
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
  });
  expect(of(type).initContainers![0]!.securityContext).toEqual({
    privileged: true,
    readOnlyRootFilesystem: true,
  });
  const privileged = of('--set=securityContext.privileged=true').containers[0]!.securityContext;
  // The API server refuses both together.
  expect(privileged).toMatchObject({ privileged: true, readOnlyRootFilesystem: true });
  expect(privileged).not.toHaveProperty('allowPrivilegeEscalation');
});

test('what the values of an enforcing node ask for reaches the pod and the kubeconfig', () => {
  const file = ciValues.find(([name]) => name === 'enforcing')![1];
  const objects = helm.objects(`--values=${file}`);
  const { initContainers, containers, ...spec } = podSpecOf(theOnly(objects, 'DaemonSet'));
  expect(spec).toMatchObject({
    hostAliases: [{ ip: '192.0.2.10', hostnames: ['k8s.example.com'] }],
    securityContext: { supplementalGroups: [1000] },
    imagePullSecrets: [{ name: 'shared' }, { name: 'own' }],
  });
  expect(spec.volumes).toContainEqual({
    name: 'certificates',
    hostPath: { path: '/etc/ssl/certs' },
  });
  for (const container of [...initContainers!, ...containers]) {
    expect(container.securityContext.seLinuxOptions).toEqual({ type: 'spc_t' });
    expect(container.volumeMounts).toContainEqual({
      name: 'certificates',
      mountPath: '/etc/ssl/certs',
      readOnly: true,
    });
  }
  const { data } = theOnly(objects, 'ConfigMap') as unknown as {
    readonly data: Record<string, string>;
  };
  const { clusters } = parse(data['kubeconfig.yaml']!) as {
    readonly clusters: readonly { readonly cluster: Record<string, string> }[];
  };
  const { 'certificate-authority-data': ca, ...cluster } = clusters[0]!.cluster;
  expect(cluster).toEqual({
    server: 'https://k8s.example.com:6443',
    'tls-server-name': 'kubernetes.default.svc',
    'proxy-url': 'http://192.0.2.5:3128',
  });
  expect(Buffer.from(ca!, 'base64').toString()).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
});

test('the init container has the arguments and the environment of the main one', () => {
  const sets = ['--set=extraArgs={--ipvs-strict-arp,--v=4}', '--set=extraEnv[0].name=TZ'];
  const objects = helm.objects(URL, ...sets, '--set=extraEnv[0].value=UTC');
  const { initContainers, containers } = podSpecOf(theOnly(objects, 'DaemonSet'));
  const [init] = initContainers!;
  const [main] = containers;
  expect(init!.args).toEqual(['--init-only', ...main!.args]);
  expect(main!.args).toEqual([
    '--config=/etc/kube-ipvs/config.yaml',
    '--hostname-override=$(NODE_NAME)',
    '--ipvs-strict-arp',
    '--v=4',
  ]);
  expect(init!.env).toEqual(main!.env);
});

test('metrics are the node’s own unless another address is given, which makes a Service too', () => {
  const of = (...sets: readonly string[]) => {
    const objects = helm.objects(URL, ...sets);
    const { metricsBindAddress } = parse(configOf(objects)) as Record<string, string>;
    return { metricsBindAddress, hasService: objects.some(({ kind }) => kind === 'Service') };
  };
  expect(of()).toEqual({ metricsBindAddress: '127.0.0.1:10249', hasService: false });
  expect(of('--set=metrics.bindAddress=::1').hasService).toBe(false);
  expect(of('--set=metrics.bindAddress=0.0.0.0')).toEqual({
    metricsBindAddress: '0.0.0.0:10249',
    hasService: true,
  });
});

test('takeover, extra flags and a release of another name reach the objects', () => {
  const flags = ['--set=takeover=true,cleanupOtherModes=true', '--set=extraArgs={--v=4}'];
  const objects = objectsIn(helm.must('template', 'second', CHART, URL, ...flags));
  const daemonSet = theOnly(objects, 'DaemonSet');
  expect(daemonSet.metadata.name).toBe('second-kube-ipvs');
  expect(podSpecOf(daemonSet).containers[0]!.args.slice(2)).toEqual([
    '--v=4',
    '--takeover',
    '--cleanup-other-modes',
  ]);
});

test('alerts are made when they are asked for, each with what to do', () => {
  const rules = (...args: readonly string[]) =>
    helm.objects(URL, ...args).filter(({ kind }) => kind === 'PrometheusRule');
  expect(rules()).toEqual([]);
  const [rule] = rules(
    '--set=metrics.prometheusRule.enabled=true',
    '--set=metrics.prometheusRule.labels.release=prometheus',
  );
  expect(rule!.metadata).toMatchObject({ labels: { release: 'prometheus' } });
  const { groups } = rule!['spec'] as {
    readonly groups: readonly { readonly rules: readonly Record<string, unknown>[] }[];
  };
  const alerts = groups.flatMap((group) => group.rules);
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  expect(alerts.length).toBeGreaterThan(8);
  for (const alert of alerts) {
    expect(alert).toMatchObject({
      alert: expect.stringMatching(/^KubeIpvs[A-Z]\w+$/),
      expr: expect.stringMatching(/kube(?:ipvs|proxy)_\w+/),
      labels: { severity: expect.stringMatching(/^(?:info|warning|critical)$/) },
      annotations: {
        summary: expect.stringMatching(/\w+ \w+/),
        // Helm has left Prometheus' own braces alone.
        description: expect.stringMatching(/\{\{ \$(?:labels|value)\b/),
      },
    });
  }
});

test('the table of values in the README is that of values.yaml', () => {
  const { written, wanted } = readmes();
  expect(written).toBe(wanted);
});

test('every value is explained in the table, and the chart is of the product’s version', () => {
  const { written } = readmes();
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as object;
  const paths = leavesOf(values, '');
  const explained = (path: string): boolean =>
    written.includes(`| \`${path}\``) ||
    (path.includes('.') && explained(path.replace(/\.[^.]*$/, '')));
  expect(paths.filter((path) => !explained(path))).toEqual([]);
  const version = (
    parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { readonly appVersion: string }
  ).appVersion;
  const { version: product } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly version: string;
  };
  expect(version).toBe(product);
});

function leavesOf(value: object, prefix: string): string[] {
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    const isMap = typeof member === 'object' && member !== null && !Array.isArray(member);
    const path = `${prefix}${key}`;
    return isMap && Object.keys(member).length > 0 ? leavesOf(member, `${path}.`) : [path];
  });
}
