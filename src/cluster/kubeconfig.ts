/**
 * Finds out which API server to talk to and as whom: a kubeconfig file, `--master`, or the service
 * account of a pod. What client-node's KubeConfig does not know of kubeconfig files (`tokenFile`,
 * plug-ins as client-go runs them, proxies of the environment, what is wrong with a certificate) is
 * translated here; requests and their credentials are clusterAccess.ts.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from './apiError.ts';
import { type AccessSettings, ClusterAccess } from './clusterAccess.ts';
import type { ExecCluster } from './execCredential.ts';
import { ExecPlugin } from './execPlugin.ts';
import { execSettings } from './execSettings.ts';
import {
  type ActiveContext,
  type Fields,
  HOW_TO_CONFIGURE,
  isFields,
  KubeconfigError,
  readActiveContext,
} from './kubeconfigFile.ts';
import {
  chosenProxy,
  parseProxyUrl,
  type ProxyChoice,
  proxyFromEnvironment,
} from './proxyChoice.ts';
import { serverUrl } from './serverUrl.ts';
import { checkInlineMaterial } from './tlsMaterial.ts';

export interface KubeconfigOptions {
  /** `--kubeconfig` or `clientConnection.kubeconfig`; empty counts as absent */
  readonly kubeconfig?: string;
  /** `--master`: replaces the server's URL of the kubeconfig */
  readonly master?: string;
  readonly env?: Environment;
  /** where a pod finds its token and CA */
  readonly serviceAccountDir?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * @throws KubeconfigError when no cluster is configured or the file is wrong, with the file and
 * what to do; files that the
 *   kubeconfig names (CA, certificates, tokens) are read per request, since they may appear and
 *   change later
 */
export function loadClusterAccess(options: KubeconfigOptions): ClusterAccess {
  const { kubeconfig = '', master = '', env = process.env } = options;
  if (kubeconfig !== '') {
    const load = () => fromFile(kubeconfig, master, env);
    return new ClusterAccess(load(), `kubeconfig ${kubeconfig}`, load);
  }
  if (master !== '') {
    const load = () => fromServer(master, env);
    return new ClusterAccess(load(), '--master', load);
  }
  return inCluster(env, options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR);
}

function inCluster(env: Environment, directory: string): ClusterAccess {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') {
    throw new KubeconfigError(
      `no cluster is configured: KUBERNETES_SERVICE_HOST is not set, so this is no pod; ${HOW_TO_CONFIGURE}`,
    );
  }
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const caFile = path.join(directory, 'ca.crt');
  const load = () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'in-cluster', server, caFile, skipTLSVerify: false },
      {
        name: 'service-account',
        authProvider: tokenFileProvider(path.join(directory, 'token')),
      },
    );
    return withProxy(config, proxyFromEnvironment(new URL(server), env));
  };
  return new ClusterAccess(load(), `service account in ${directory}`, load);
}

function fromServer(master: string, env: Environment): AccessSettings {
  const server = checkedUrl(master, '--master', false);
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'master', server, skipTLSVerify: server.startsWith('http:') },
    { name: 'anonymous' },
  );
  return withProxy(config, proxyFromEnvironment(new URL(server), env));
}

function fromFile(file: string, master: string, env: Environment): AccessSettings {
  const where = `kubeconfig ${file}`;
  const active = readActiveContext(file, where);
  const { cluster, clusterName, user, userName } = active;
  const directory = path.dirname(path.resolve(file));
  const ofCluster = `${where}: clusters[name=${clusterName}].cluster`;
  const ofUser = `${where}: users[name=${userName}].user`;
  checkInline(cluster, ofCluster);
  checkInline(user, ofUser);
  const server =
    master === ''
      ? checkedUrl(cluster['server'], `${ofCluster}.server`, speaksTls(active))
      : checkedUrl(master, '--master', speaksTls(active));
  const proxy =
    proxyOf(cluster['proxy-url'], `${ofCluster}.proxy-url`) ??
    proxyFromEnvironment(new URL(server), env);
  const settings = withProxy(clientConfig(active, server, directory, where), proxy);
  const exec = isFields(user['exec']) && !hasOtherCredentials(user) ? user['exec'] : undefined;
  if (exec === undefined) return settings;
  const plugin = execSettings(exec, directory, `${ofUser}.exec`);
  const info = () => execCluster(cluster, server, directory);
  const clusterInfo = exec['provideClusterInfo'] === true ? info : () => undefined;
  return { ...settings, exec: new ExecPlugin(plugin, clusterInfo) };
}

function clientConfig(
  { cluster, clusterName, user, userName }: ActiveContext,
  server: string,
  directory: string,
  where: string,
): KubeConfig {
  const config = new KubeConfig();
  const context = { cluster: clusterName, user: userName };
  try {
    config.loadFromString(
      JSON.stringify({
        clusters: [{ name: clusterName, cluster: translateCluster(cluster, server) }],
        users: [{ name: userName, user: translateUser(user, directory) }],
        contexts: [{ name: 'active', context }],
        'current-context': 'active',
      }),
    );
  } catch (error) {
    throw new KubeconfigError(`${where}: ${messageOf(error)}`, { cause: error });
  }
  config.makePathsAbsolute(directory);
  return config;
}

function withProxy(config: KubeConfig, proxy: ProxyChoice | undefined): AccessSettings {
  return { config, ...(proxy === undefined ? {} : { proxy }) };
}

/**
 * What is given as text cannot come right by waiting, unlike files, which are looked at when they
 * are used.
 */
function checkInline(fields: Fields, where: string): void {
  try {
    checkInlineMaterial(fields);
  } catch (error) {
    throw new KubeconfigError(`${where}.${messageOf(error)}`, { cause: error });
  }
}

/** As client-go guesses the scheme of a server that is given without one. */
function speaksTls({ cluster, user }: ActiveContext): boolean {
  if (cluster['insecure-skip-tls-verify'] === true) return true;
  const says = (fields: Fields, name: string) => Boolean(fields[name] || fields[`${name}-data`]);
  return says(cluster, 'certificate-authority') || says(user, 'client-certificate');
}

function checkedUrl(value: unknown, where: string, hasTls: boolean): string {
  const text = typeof value === 'string' ? value : '';
  const url = serverUrl(text, hasTls);
  if (url !== undefined) return url;
  const problem = `${where} is "${text}", not a URL; write it as https://HOST:PORT`;
  throw new KubeconfigError(problem, where === '--master' ? { flag: where } : {});
}

function proxyOf(value: unknown, where: string): ProxyChoice | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const url = typeof value === 'string' ? parseProxyUrl(value) : undefined;
  if (url !== undefined) return chosenProxy(url, 'the kubeconfig');
  throw new KubeconfigError(
    `${where} is ${JSON.stringify(value)}; write it as http://HOST:PORT, https://… or socks5://…`,
  );
}

/** With these client-go leaves the plug-in alone. */
function hasOtherCredentials(user: Fields): boolean {
  const others = [
    'token',
    'tokenFile',
    'username',
    'client-certificate',
    'client-certificate-data',
  ];
  return others.some((name) => Boolean(user[name]));
}

/**
 * client-node refuses plain http unless TLS is skipped, which without TLS means nothing; it prefers
 * files, client-go data.
 */
function translateCluster(cluster: Fields, server: string): Fields {
  const { 'proxy-url': _, ...rest } = withoutShadowed(cluster, ['certificate-authority']);
  const isPlain = server.startsWith('http:');
  return { ...rest, server, ...(isPlain ? { 'insecure-skip-tls-verify': true } : {}) };
}

function translateUser(user: Fields, directory: string): Fields {
  const all = withoutShadowed(user, ['client-certificate', 'client-key']);
  const { tokenFile, token, exec: _, ...rest } = all;
  if (typeof tokenFile === 'string' && tokenFile !== '') {
    // A token beside it is a copy of older content; the file is what is rotated.
    return { ...rest, 'auth-provider': tokenFileProvider(path.resolve(directory, tokenFile)) };
  }
  return { ...rest, ...(token === undefined ? {} : { token }) };
}

function withoutShadowed(fields: Fields, names: readonly string[]): Fields {
  const isShadowed = (name: string) => names.includes(name) && Boolean(fields[`${name}-data`]);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isShadowed(name)));
}

/** What a plug-in with `provideClusterInfo` gets to know; the CA's file is read each time. */
function execCluster(cluster: Fields, server: string, directory: string): ExecCluster {
  const copied = [
    'tls-server-name',
    'insecure-skip-tls-verify',
    'proxy-url',
    'disable-compression',
  ];
  const given = copied
    .filter((name) => Boolean(cluster[name]))
    .map((name) => [name, cluster[name]]);
  const file = cluster['certificate-authority'];
  const data =
    cluster['certificate-authority-data'] ||
    (typeof file === 'string' && file !== ''
      ? readFileSync(path.resolve(directory, file)).toString('base64')
      : undefined);
  const extensions: unknown = cluster['extensions'];
  const own = (Array.isArray(extensions) ? extensions : []).find(
    (entry) => isFields(entry) && entry['name'] === 'client.authentication.k8s.io/exec',
  ) as Fields | undefined;
  return {
    server,
    ...Object.fromEntries(given),
    ...(typeof data === 'string' ? { 'certificate-authority-data': data } : {}),
    ...(own === undefined ? {} : { config: own['extension'] }),
  } as ExecCluster;
}

function tokenFileProvider(tokenFile: string): Fields & { name: string } {
  return { name: 'tokenFile', config: { tokenFile } };
}
