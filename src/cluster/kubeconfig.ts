/**
 * Finds out which API server to talk to and as whom: a kubeconfig file, `--master`, or the service account of a pod. What
 * client-node's KubeConfig does not know of kubeconfig files (`tokenFile`, relative plug-in paths, positions in errors)
 * is translated here; requests and their credentials are clusterAccess.ts.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';
import { messageOf } from './apiError.ts';
import { ClusterAccess } from './clusterAccess.ts';

export interface KubeconfigOptions {
  /** `--kubeconfig` or `clientConnection.kubeconfig`; empty counts as absent */
  readonly kubeconfig?: string;
  /** `--master`: replaces the server's URL of the kubeconfig */
  readonly master?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** where a pod finds its token and CA */
  readonly serviceAccountDir?: string;
}

/** The configuration is wrong; nothing will come right by trying again. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';
const HOW_TO_CONFIGURE =
  'give --kubeconfig FILE (or clientConnection.kubeconfig in --config), or --master URL, or run in a pod with a service account';

type Fields = Readonly<Record<string, unknown>>;

/**
 * @throws KubeconfigError when no cluster is configured or the file is wrong, with the file and what to do; files that the
 *   kubeconfig names (CA, certificates, tokens) are read per request, since they may appear and change later
 */
export function loadClusterAccess(options: KubeconfigOptions): ClusterAccess {
  const { kubeconfig = '', master = '' } = options;
  if (kubeconfig !== '') {
    const load = () => fromFile(kubeconfig, master);
    return new ClusterAccess(load(), `kubeconfig ${kubeconfig}`, load);
  }
  if (master !== '') {
    const config = fromServer(checkedUrl(master, '--master'));
    return new ClusterAccess(config, '--master', () => config);
  }
  return inCluster(options.env ?? process.env, options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR);
}

function inCluster(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): ClusterAccess {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') {
    throw new KubeconfigError(
      `no cluster is configured: KUBERNETES_SERVICE_HOST is not set, so this is no pod; ${HOW_TO_CONFIGURE}`,
    );
  }
  const load = () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: 'in-cluster',
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
        caFile: path.join(directory, 'ca.crt'),
        skipTLSVerify: false,
      },
      {
        name: 'service-account',
        authProvider: tokenFileProvider(path.join(directory, 'token')),
      },
    );
    return config;
  };
  return new ClusterAccess(load(), `service account in ${directory}`, load);
}

function fromServer(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'master', server, skipTLSVerify: server.startsWith('http:') },
    { name: 'anonymous' },
  );
  return config;
}

function fromFile(file: string, master: string): KubeConfig {
  const where = `kubeconfig ${file}`;
  const root = parseFile(file, where);
  const active = selectContext(root, where);
  const directory = path.dirname(path.resolve(file));
  const server =
    master === ''
      ? checkedUrl(
          active.cluster['server'],
          `${where}: clusters[name=${active.clusterName}].cluster.server`,
        )
      : checkedUrl(master, '--master');
  const config = new KubeConfig();
  try {
    config.loadFromString(
      JSON.stringify({
        clusters: [{ name: active.clusterName, cluster: translateCluster(active.cluster, server) }],
        users: [{ name: active.userName, user: translateUser(active.user, directory) }],
        contexts: [
          { name: 'active', context: { cluster: active.clusterName, user: active.userName } },
        ],
        'current-context': 'active',
      }),
    );
  } catch (error) {
    throw new KubeconfigError(`${where}: ${messageOf(error)}`, { cause: error });
  }
  config.makePathsAbsolute(directory);
  return config;
}

function parseFile(file: string, where: string): Fields {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KubeconfigError(
      `${where} cannot be read (${messageOf(error)}); ${HOW_TO_CONFIGURE}`,
      {
        cause: error,
      },
    );
  }
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) {
    const message = broken.message.split('\n')[0]!.replace(/:$/, '');
    throw new KubeconfigError(`${where} is not valid YAML: ${message}`, { cause: broken });
  }
  const root: unknown = document.toJS();
  if (!isFields(root)) {
    throw new KubeconfigError(
      `${where} is not a kubeconfig: it has no clusters, contexts and users; ${HOW_TO_CONFIGURE}`,
    );
  }
  return root;
}

interface ActiveContext {
  readonly clusterName: string;
  readonly cluster: Fields;
  readonly userName: string;
  readonly user: Fields;
}

function selectContext(root: Fields, where: string): ActiveContext {
  const current = root['current-context'];
  const contexts = namedList(root, 'contexts', 'context', where);
  if (typeof current !== 'string' || current === '') {
    throw new KubeconfigError(`${where}: current-context is not set; set it to ${oneOf(contexts)}`);
  }
  const context = pick(contexts, current, `${where}: current-context`, 'contexts');
  const clusterName = nameIn(context, 'cluster', `${where}: contexts[name=${current}].context`);
  const clusters = namedList(root, 'clusters', 'cluster', where);
  const cluster = pick(
    clusters,
    clusterName,
    `${where}: contexts[name=${current}].context.cluster`,
    'clusters',
  );
  const userName = typeof context['user'] === 'string' ? context['user'] : '';
  if (userName === '') return { clusterName, cluster, userName: 'anonymous', user: {} };
  const users = namedList(root, 'users', 'user', where);
  const user = pick(users, userName, `${where}: contexts[name=${current}].context.user`, 'users');
  return { clusterName, cluster, userName, user };
}

/** `[{ name, KEY: {…} }]` as a map by name; a user may be an empty entry. */
function namedList(
  root: Fields,
  list: string,
  key: string,
  where: string,
): ReadonlyMap<string, Fields> {
  const entries = root[list] ?? [];
  if (!Array.isArray(entries)) throw new KubeconfigError(`${where}: ${list} is not a list`);
  const byName = new Map<string, Fields>();
  entries.forEach((entry: unknown, i) => {
    if (!isFields(entry) || typeof entry['name'] !== 'string') {
      throw new KubeconfigError(`${where}: ${list}[${i}].name is missing`);
    }
    const value = entry[key] ?? {};
    if (!isFields(value))
      throw new KubeconfigError(`${where}: ${list}[${i}].${key} is not a mapping`);
    byName.set(entry['name'], value);
  });
  return byName;
}

function pick(
  from: ReadonlyMap<string, Fields>,
  name: string,
  where: string,
  list: string,
): Fields {
  const found = from.get(name);
  if (found !== undefined) return found;
  throw new KubeconfigError(
    `${where} is "${name}", which is not in ${list}; set it to ${oneOf(from)}`,
  );
}

function oneOf(from: ReadonlyMap<string, Fields>): string {
  return from.size === 0 ? 'one that you add' : `one of ${[...from.keys()].join(', ')}`;
}

function nameIn(fields: Fields, key: string, where: string): string {
  const value = fields[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new KubeconfigError(`${where}.${key} is missing`);
}

function checkedUrl(value: unknown, where: string): string {
  const text = typeof value === 'string' ? value : '';
  if (/^https?:\/\/[^/]+/.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new KubeconfigError(`${where} is "${text}", not a URL; write it as https://HOST:PORT`);
}

/** client-node refuses plain http unless TLS is skipped, which without TLS means nothing. */
function translateCluster(cluster: Fields, server: string): Fields {
  const isPlain = server.startsWith('http:');
  return { ...cluster, server, ...(isPlain ? { 'insecure-skip-tls-verify': true } : {}) };
}

function translateUser(user: Fields, directory: string): Fields {
  const { tokenFile, token, exec, ...rest } = user;
  if (typeof tokenFile === 'string' && tokenFile !== '') {
    // A token beside it is a copy of older content; the file is what is rotated.
    return { ...rest, 'auth-provider': tokenFileProvider(path.resolve(directory, tokenFile)) };
  }
  return {
    ...rest,
    ...(token === undefined ? {} : { token }),
    ...(isFields(exec) ? { exec: translateExec(exec, directory) } : {}),
  };
}

/** As client-go does: a command with a slash is relative to the kubeconfig, and the plug-in is told which API it speaks. */
function translateExec(exec: Fields, directory: string): Fields {
  const command = exec['command'];
  const isRelativePath = typeof command === 'string' && command.includes('/');
  const env = Array.isArray(exec['env']) ? (exec['env'] as unknown[]) : [];
  const request = {
    apiVersion: exec['apiVersion'],
    kind: 'ExecCredential',
    spec: { interactive: false },
  };
  return {
    ...exec,
    command: isRelativePath ? path.resolve(directory, command) : command,
    env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(request) }],
  };
}

function tokenFileProvider(tokenFile: string): Fields & { name: string } {
  return { name: 'tokenFile', config: { tokenFile } };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
