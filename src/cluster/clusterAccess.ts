/**
 * One API server with credentials that may change while the process runs: token files are rotated, exec plug-ins give
 * short-lived answers, certificates are renewed. Each request asks for what holds now; connections are kept open as long
 * as the TLS material stays the same.
 */
import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ApiError, messageOf } from './apiError.ts';

export interface Authenticated {
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Idle ms before a connection is probed; a peer that is gone is noticed about ten seconds later. */
export const TCP_KEEP_ALIVE_MS = 30_000;
const CREDENTIALS_TIMEOUT_MS = 60_000;
const TLS_FIELDS = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'rejectUnauthorized',
  'servername',
] as const;

type TlsMaterial = Partial<Record<(typeof TLS_FIELDS)[number], unknown>>;

export class ClusterAccess {
  /** URL without a trailing slash; may have a path */
  readonly server: string;
  /** where the configuration came from, for messages: `kubeconfig /etc/…` */
  readonly origin: string;
  readonly #reload: () => KubeConfig;
  #config: KubeConfig;
  #pending: Promise<https.RequestOptions> | undefined;
  #agent: { readonly agent: http.Agent; readonly material: TlsMaterial } | undefined;

  constructor(config: KubeConfig, origin: string, reload: () => KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new TypeError('the configuration has no current cluster');
    this.server = cluster.server;
    this.origin = origin;
    this.#config = config;
    this.#reload = reload;
  }

  /** @throws ApiError (status 0, reason `Credentials`) when a file cannot be read or a plug-in fails */
  async authenticate(): Promise<Authenticated> {
    // One at a time: the first requests of all reflectors would each start the plug-in, and a hanging one pile up.
    this.#pending ??= this.#resolve().finally(() => (this.#pending = undefined));
    const options = await withDeadline(this.#pending, () =>
      this.#credentialsError(new Error(`no answer within ${CREDENTIALS_TIMEOUT_MS / 1000} s`)),
    );
    return { agent: this.#agentFor(options), headers: headersOf(options) };
  }

  /** The server refused the credentials: drop cached ones and read the configuration again. */
  refresh(): void {
    try {
      this.#config = this.#reload();
    } catch {
      // A kubeconfig being rewritten right now; the old one goes on failing until the next refresh reads it.
    }
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #resolve(): Promise<https.RequestOptions> {
    const options: https.RequestOptions = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      throw this.#credentialsError(error);
    }
    return options;
  }

  #agentFor(options: https.RequestOptions): http.Agent {
    // With proxy-url, client-node's own agent tunnels; it is cached there.
    if (this.#config.getCurrentCluster()?.proxyUrl && options.agent instanceof http.Agent)
      return options.agent;
    const material = tlsMaterialOf(options);
    if (this.#agent !== undefined && isSameMaterial(this.#agent.material, material))
      return this.#agent.agent;
    // The old agent is not destroyed: a watch may still run on it, and it closes its idle connections by itself.
    const common = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE_MS, timeout: 120_000 };
    const agent = this.server.startsWith('http:')
      ? new http.Agent(common)
      : new https.Agent({ ...common, ...material } as https.AgentOptions);
    this.#agent = { agent, material };
    return agent;
  }

  #credentialsError(cause: unknown): ApiError {
    const user = this.#config.getCurrentUser();
    const exec = user?.exec as { command?: unknown; installHint?: unknown } | null | undefined;
    const text = messageOf(cause).trim();
    const plugin = typeof exec?.command === 'string' ? `exec plug-in ${exec.command}: ` : '';
    const isMissing = (cause as { code?: unknown } | null)?.code === 'ENOENT';
    const hint =
      isMissing && typeof exec?.installHint === 'string' ? `; ${exec.installHint.trim()}` : '';
    const message = `credentials of ${this.origin}: ${plugin}${text || 'failed without a message'}${hint}`;
    return new ApiError({ status: 0, reason: 'Credentials', message, url: this.server }, cause);
  }
}

async function withDeadline<T>(work: Promise<T>, onTimeout: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), CREDENTIALS_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function headersOf(options: https.RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file usually ends with a newline, which must not be in a header.
    if (value !== undefined) headers[name] = String(value).trim();
  }
  if (typeof options.auth === 'string') {
    headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}

function tlsMaterialOf(options: https.RequestOptions): TlsMaterial {
  const material: TlsMaterial = {};
  for (const field of TLS_FIELDS)
    if (options[field] !== undefined) material[field] = options[field];
  return material;
}

function isSameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return TLS_FIELDS.every((field) => String(a[field]) === String(b[field]));
}
