/**
 * One API server with credentials that may change while the process runs: token files are rotated,
 * exec plug-ins give short-lived answers, certificates are renewed. Each request asks for what
 * holds now; connections are kept open as long as the TLS material stays the same.
 */
import type http from 'node:http';
import type https from 'node:https';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
import { ApiError, messageOf } from './apiError.ts';
import { isSameMaterial, openConnections, TLS_FIELDS, type TlsMaterial } from './connections.ts';
import type { ExecCredential } from './execCredential.ts';
import type { ExecPlugin } from './execPlugin.ts';
import type { ProxyChoice } from './proxyChoice.ts';
import { checkTlsInputs, type NamedPem, type TlsInputs } from './tlsMaterial.ts';

export interface Authenticated {
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a kubeconfig, or what stands for one, says. */
export interface AccessSettings {
  /** its one cluster without `proxy-url`, and its user without `exec` */
  readonly config: KubeConfig;
  readonly exec?: ExecPlugin;
  readonly proxy?: ProxyChoice;
}

/** Longer than an exec plug-in gets, which is told more exactly. */
const CREDENTIALS_TIMEOUT_MS = 65_000;

export class ClusterAccess {
  /** URL without a trailing slash; may have a path */
  readonly server: string;
  /** where the configuration came from, for messages: `kubeconfig /etc/…` */
  readonly origin: string;
  readonly #reload: () => AccessSettings;
  #settings: AccessSettings;
  #isRefused = false;
  #pending: Promise<https.RequestOptions> | undefined;
  #connections: { readonly agent: http.Agent; readonly material: TlsMaterial } | undefined;

  constructor(settings: AccessSettings, origin: string, reload: () => AccessSettings) {
    this.server = clusterOf(settings).server;
    this.origin = origin;
    this.#settings = settings;
    this.#reload = reload;
  }

  /** The proxy between, for messages; undefined without one. */
  get proxy(): string | undefined {
    return this.#settings.proxy?.description;
  }

  /**
   * @param signal ends the waiting; what is awaited goes on for the others
   * @throws ApiError (status 0, reason `Credentials`) when a file cannot be read or used, or a
   * plug-in fails
   */
  async authenticate(signal?: AbortSignal): Promise<Authenticated> {
    // One at a time: the first requests of all reflectors would each start the plug-in, and a
    // hanging one pile up.
    this.#pending ??= this.#resolveOnce();
    const options = await withDeadline(this.#pending, signal, () => {
      // The next request tries anew: this answer may never come.
      this.#pending = undefined;
      return this.#credentialsError(
        new Error(`no answer within ${CREDENTIALS_TIMEOUT_MS / 1000} s`),
      );
    });
    return { agent: this.#agentFor(options), headers: headersOf(options) };
  }

  /**
   * The server refused the credentials: before the next request cached ones are dropped and the
   * configuration read again.
   */
  refresh(): void {
    this.#isRefused = true;
  }

  close(): void {
    this.#settings.exec?.close();
    this.#connections?.agent.destroy();
    this.#connections = undefined;
  }

  #resolveOnce(): Promise<https.RequestOptions> {
    const mine = this.#resolve().finally(() => {
      if (this.#pending === mine) this.#pending = undefined;
    });
    return mine;
  }

  async #resolve(): Promise<https.RequestOptions> {
    if (this.#isRefused) this.#renewSettings();
    const { config, exec } = this.#settings;
    const options: https.RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
      if (exec !== undefined) applyCredential(options, await exec.credential());
    } catch (error) {
      throw this.#credentialsError(error);
    }
    return options;
  }

  #renewSettings(): void {
    this.#isRefused = false;
    try {
      this.#settings = this.#reload();
    } catch {
      // A kubeconfig being rewritten right now; the next refusal reads it.
      this.#settings.exec?.forget();
    }
  }

  #agentFor(options: https.RequestOptions): http.Agent {
    const material = tlsMaterialOf(options);
    if (this.#connections !== undefined && isSameMaterial(this.#connections.material, material))
      return this.#connections.agent;
    try {
      checkTlsInputs(this.#tlsInputs(options));
    } catch (error) {
      throw this.#credentialsError(error);
    }
    // The old agent is not destroyed: a watch may still run on it, and it closes its idle
    // connections by itself.
    const agent = openConnections(this.server, material, this.#settings.proxy);
    this.#connections = { agent, material };
    return agent;
  }

  #tlsInputs({ ca, cert, key }: https.RequestOptions): TlsInputs {
    const { config, exec } = this.#settings;
    const { caFile, caData } = clusterOf(this.#settings);
    const user = config.getCurrentUser();
    const plugin = exec === undefined ? undefined : 'of the exec plug-in';
    return {
      ca: named(ca, 'certificate-authority', caData, caFile),
      certificate: named(cert, 'client-certificate', user?.certData, plugin ?? user?.certFile),
      key: named(key, 'client-key', user?.keyData, plugin ?? user?.keyFile),
    };
  }

  #credentialsError(cause: unknown): ApiError {
    const text = messageOf(cause).trim() || 'failed without a message';
    const message = `credentials of ${this.origin}: ${text}`;
    return new ApiError({ status: 0, reason: 'Credentials', message, url: this.server }, cause);
  }
}

function clusterOf({ config }: AccessSettings): Cluster {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new TypeError('the configuration has no current cluster');
  return cluster;
}

async function withDeadline<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  onTimeout: () => Error,
): Promise<T> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(onTimeout()), CREDENTIALS_TIMEOUT_MS);
  const abort = () => reject(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function applyCredential(options: https.RequestOptions, credential: ExecCredential): void {
  const { token, certificate, key } = credential;
  if (token !== undefined) {
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders),
      Authorization: `Bearer ${token}`,
    };
  }
  if (certificate !== undefined && key !== undefined)
    Object.assign(options, { cert: certificate, key });
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

/** @param from what is in it, as client-node read it: one Buffer, or the text of a plug-in */
function named(
  from: unknown,
  field: string,
  data: string | undefined,
  file: string | undefined,
): NamedPem | undefined {
  if (typeof from !== 'string' && !Buffer.isBuffer(from)) return undefined;
  const name = data ? `${field}-data` : `${field} ${file ?? ''}`;
  return { name, bytes: Buffer.from(from) };
}
