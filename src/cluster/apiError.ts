/**
 * Every way in which talking to the API server fails, as one error type, and the sentence an
 * operator reads about it. What to do next (retry, relist, give up) is decided by who asked:
 * reflector.ts and events.ts.
 */

export interface ApiErrorFields {
  /** HTTP status, also that of an ERROR event in a watch; 0 when there was no answer */
  readonly status: number;
  /**
   * `reason` of the Status object, or the code of a network failure: `Expired`, `ECONNREFUSED`,
   * `Timeout`
   */
  readonly reason: string;
  readonly message: string;
  readonly url: string;
  /** from the header Retry-After */
  readonly retryAfterSec?: number;
  /** reasons of `details.causes` of the Status object */
  readonly causes?: readonly string[];
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly url: string;
  readonly retryAfterSec: number | undefined;
  readonly causes: readonly string[];

  constructor(fields: ApiErrorFields, cause?: unknown) {
    super(fields.message, cause === undefined ? undefined : { cause });
    this.status = fields.status;
    this.reason = fields.reason;
    this.url = fields.url;
    this.retryAfterSec = fields.retryAfterSec;
    this.causes = fields.causes ?? [];
  }
}

/**
 * Our resource version is too old, or from a future that this server does not know: only a new list
 * helps.
 */
export function isExpired(error: ApiError): boolean {
  return (
    error.status === 410 ||
    error.reason === 'Expired' ||
    error.reason === 'Gone' ||
    isFromTheFuture(error)
  );
}

/** What we know is newer than this server: it lags behind, or its etcd was restored. */
export function isFromTheFuture(error: ApiError): boolean {
  return error.causes.includes('ResourceVersionTooLarge');
}

/**
 * From a Status object (meta/v1), as the body of a failed request and in ERROR events of a watch.
 *
 * @param body parsed JSON, or the plain text that a proxy in between may send
 */
export function errorFromStatus(
  status: number,
  body: unknown,
  url: string,
  retryAfterSec?: number,
): ApiError {
  const fields = isRecord(body) ? body : {};
  const details = isRecord(fields['details']) ? fields['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'] : [];
  const text = typeof body === 'string' ? body.trim().slice(0, 200) : '';
  const fallback = text === '' ? `HTTP status ${status}` : `HTTP status ${status}: ${text}`;
  return new ApiError({
    status: typeof fields['code'] === 'number' ? fields['code'] : status,
    reason: stringOr(fields['reason'], ''),
    message: stringOr(fields['message'], fallback),
    url,
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
    causes: causes.filter(isRecord).map((cause) => stringOr(cause['reason'], '')),
  });
}

const TLS_HINTS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'no certificate-authority of the kubeconfig signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'no certificate-authority of the kubeconfig signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'it signed itself and is not the certificate-authority of the kubeconfig',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no certificate-authority of the kubeconfig signed it',
  CERT_SIGNATURE_FAILURE: 'its signature does not fit the certificate-authority of the kubeconfig',
  CERT_HAS_EXPIRED: 'it has expired, or the clock of this node is wrong',
  CERT_NOT_YET_VALID: 'it is not valid yet, or the clock of this node is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'it is for another host name: correct the server URL or set tls-server-name',
};

/**
 * A request that got no answer: the connection failed, broke or timed out.
 *
 * @param proxy what the way leads through, where the fault may lie as well
 */
export function errorFromNetwork(error: unknown, url: string, proxy?: string): ApiError {
  if (error instanceof ApiError) return error;
  const { code, message: raw } = rootOf(error);
  // Node's word for a body that ends too early.
  const message = raw === 'aborted' ? 'the connection broke off' : raw;
  const hint = TLS_HINTS[code];
  const via = proxy === undefined ? '' : `, through the ${proxy}`;
  const text =
    hint === undefined
      ? `${message}${via}`
      : `the server's certificate is not accepted: ${hint} (${message}${via})`;
  return new ApiError({ status: 0, reason: code, message: text, url }, error);
}

/**
 * The first of several failed connection attempts (a host name with two families) stands for all.
 */
function rootOf(error: unknown): { code: string; message: string } {
  if (!isRecord(error)) return { code: 'Unknown', message: String(error) };
  const inner = Array.isArray(error['errors']) ? error['errors'].filter(isRecord) : [];
  const messages = inner.map(messageOf).filter((each) => each !== '');
  const message = messageOf(error) || messages.join('; ') || 'the connection failed';
  return { code: stringOr(error['code'], 'Unknown'), message };
}

/** What was tried, in the words of an RBAC rule. */
export interface Attempt {
  readonly verb: 'list' | 'watch' | 'create' | 'patch';
  readonly resource: string;
  /** empty for the core group */
  readonly group: string;
  /** only features need it: no proxy's usual role holds the right, and a server need not know it */
  readonly isOptional?: boolean;
}

/** One line: what was tried, what came back, and for what an operator can cure, the cure. */
export function explainFailure(error: ApiError, attempt: Attempt): string {
  const { verb, resource, group, isOptional = false } = attempt;
  const tried = `${verb} ${resource}`;
  if (error.status === 403) {
    const role = isOptional ? 'a ClusterRole' : 'ClusterRole system:node-proxier or to one';
    return (
      `${tried}: forbidden: this identity lacks the verb "${verb}" on "${resource}" in API group "${group}"; bind it to ` +
      `${role} with that rule (server: ${error.message})`
    );
  }
  if (error.status === 401) {
    return (
      `${tried}: unauthorized: the server does not accept the credentials; token or certificate is missing, expired or ` +
      `of another cluster (server: ${error.message})`
    );
  }
  if (error.status === 404 && isOptional) {
    return (
      `${tried}: not found: the server has no "${resource}" in API group "${group}"; install what defines it, or turn off ` +
      `what needs it (server: ${error.message})`
    );
  }
  if (error.status === 404 && verb === 'list') {
    return `${tried}: not found: ${error.url} is no API server, or one that is too old (server: ${error.message})`;
  }
  return `${tried}: ${error.message}`;
}

/**
 * By shape, since an error of another realm (a plug-in, a test's sandbox) is no instance of our
 * Error.
 */
export function messageOf(error: unknown): string {
  return isRecord(error) ? stringOr(error['message'], '') : String(error);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function stringOr(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}
