/**
 * A kubeconfig file as the one cluster and user that its current context names; each problem says
 * where it is and the cure.
 */
import { readFileSync } from 'node:fs';
import { decodeText } from '../config/textEncoding.ts';
import { parseYamlText } from '../config/yamlText.ts';
import { messageOf } from './apiError.ts';

/** The configuration is wrong; nothing will come right by trying again. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
  /** what is wrong where it is not the kubeconfig */
  readonly flag: '--kubeconfig' | '--master';

  constructor(message: string, options: { cause?: unknown; flag?: '--master' } = {}) {
    const { flag = '--kubeconfig', ...rest } = options;
    super(message, rest);
    this.flag = flag;
  }
}

export const HOW_TO_CONFIGURE =
  'give --kubeconfig FILE (or clientConnection.kubeconfig in --config), or --master URL, or run in a pod with a service account';

export type Fields = Readonly<Record<string, unknown>>;

export interface ActiveContext {
  readonly clusterName: string;
  readonly cluster: Fields;
  readonly userName: string;
  /** empty for a context without a user */
  readonly user: Fields;
}

/** @param where `kubeconfig FILE`, in front of every message; @throws KubeconfigError */
export function readActiveContext(file: string, where: string): ActiveContext {
  return selectContext(parseFile(file, where), where);
}

function parseFile(file: string, where: string): Fields {
  let content: string;
  try {
    content = decodeText(readFileSync(file));
  } catch (error) {
    const problem = `${where} cannot be read (${messageOf(error)}); ${HOW_TO_CONFIGURE}`;
    throw new KubeconfigError(problem, { cause: error });
  }
  const { text, problems } = parseYamlText(content, where);
  if (problems !== undefined) {
    const [first] = problems;
    throw new KubeconfigError(`${first?.source}: YAML ${first?.problem}`);
  }
  if (isFields(text.value)) return text.value;
  throw new KubeconfigError(
    `${where} is not a kubeconfig: it has no clusters, contexts and users; ${HOW_TO_CONFIGURE}`,
  );
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

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
