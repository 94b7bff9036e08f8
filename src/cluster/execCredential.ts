/**
 * The two halves of the exec plug-in protocol as text: what a plug-in is told in
 * KUBERNETES_EXEC_INFO, and what it prints. An answer that brings no usable credential is an error
 * of that call, as in client-go. Running it is execPlugin.ts.
 *
 * @see kubernetes staging/src/k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go
 */
import { isRecord } from './apiError.ts';

/** `spec.cluster`, for plug-ins with `provideClusterInfo`. */
export interface ExecCluster {
  readonly server: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  /** base64 of PEM */
  readonly 'certificate-authority-data'?: string;
  readonly 'proxy-url'?: string;
  readonly 'disable-compression'?: boolean;
  /** the cluster's extension `client.authentication.k8s.io/exec` */
  readonly config?: unknown;
}

/** At least one of token and the pair. */
export interface ExecCredential {
  readonly token?: string;
  /** PEM */
  readonly certificate?: string;
  readonly key?: string;
  /** ms since the epoch; Infinity when the plug-in does not say */
  readonly expiresAtMs: number;
}

/** A plug-in never has a terminal here. */
export function execInfo(apiVersion: string, cluster?: ExecCluster): string {
  const spec = { interactive: false, ...(cluster === undefined ? {} : { cluster }) };
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
}

/** @throws Error that says what is missing, to be read behind the plug-in's name */
export function parseExecCredential(output: string, apiVersion: string): ExecCredential {
  const answer = parseObject(output);
  const { kind = 'ExecCredential', apiVersion: spoken = apiVersion } = answer;
  if (kind !== 'ExecCredential') {
    throw new Error(`it printed an object of kind ${JSON.stringify(kind)}, not ExecCredential`);
  }
  if (spoken !== apiVersion) {
    throw new Error(
      `it speaks ${JSON.stringify(spoken)}, and exec.apiVersion of the kubeconfig says "${apiVersion}"`,
    );
  }
  const { status } = answer;
  if (!isRecord(status)) throw new Error('it printed no status, so no credentials');
  const token = textOf(status, 'token');
  const certificate = textOf(status, 'clientCertificateData');
  const key = textOf(status, 'clientKeyData');
  if (token === '' && certificate === '' && key === '') {
    throw new Error('it printed a status with neither a token nor a client certificate');
  }
  if ((certificate === '') !== (key === '')) {
    const [has, lacks] = key === '' ? ['certificate', 'key'] : ['key', 'certificate'];
    throw new Error(`it printed a client ${has} without its ${lacks}`);
  }
  return {
    ...(token === '' ? {} : { token }),
    ...(certificate === '' ? {} : { certificate, key }),
    expiresAtMs: expiryOf(status['expirationTimestamp']),
  };
}

function parseObject(output: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(output);
    if (isRecord(answer)) return answer;
  } catch {
    // told below; the text itself may hold a secret
  }
  const problem = output.trim() === '' ? 'nothing' : 'something that is not a JSON object';
  throw new Error(`it printed ${problem}; an ExecCredential was expected on its standard output`);
}

function textOf(status: Readonly<Record<string, unknown>>, field: string): string {
  const value = status[field] ?? '';
  if (typeof value === 'string') return value;
  throw new Error(`it printed a status.${field} that is no text`);
}

function expiryOf(value: unknown): number {
  if (value === undefined || value === null) return Infinity;
  const expiresAtMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(expiresAtMs)) return expiresAtMs;
  throw new Error(`it printed the expirationTimestamp ${JSON.stringify(value)}, which is no time`);
}
