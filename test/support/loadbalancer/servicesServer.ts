/**
 * An API server that has Services and Leases and nothing else: patches of the status subresource as
 * the real one takes them (test/e2e/allocator.test.ts), and what goes wrong the test says.
 */
import { ApiError } from '../../../src/cluster/apiError.ts';
import type { ApiTransport } from '../../../src/cluster/transport.ts';
import type { StatusPatch } from '../../../src/loadbalancer/status.ts';
import type { StatusCondition, StatusIngress } from '../../../src/model/balancedService.ts';
import type { FakeClock } from '../program/fakeClock.ts';
import { LeaseServer } from '../program/leaseServer.ts';
import type { rawBalanced } from './balanced.ts';

export type RawService = ReturnType<typeof rawBalanced>;

interface Status {
  readonly loadBalancer?: { readonly ingress?: readonly StatusIngress[] };
  readonly conditions?: readonly StatusCondition[];
}

export class ServicesServer {
  readonly leases: LeaseServer;
  readonly #services = new Map<string, RawService>();
  #version = 1;
  /** `LIST`, `READ default/a`, `PATCH default/a`: those of Services */
  readonly requests: string[] = [];
  /** the watch; undefined: deleted */
  onChange: (key: string, raw: RawService | undefined) => void = () => undefined;
  /** Called with each request of a Service; what it throws is the answer. */
  fate: (request: string) => void | Promise<void> = () => undefined;
  /** Called when it has been done; what it throws is the answer. */
  afterwards: (request: string) => void | Promise<void> = () => undefined;
  /** what an admission webhook makes of a status */
  admit: (status: Status) => Status = (status) => status;

  constructor(clock: FakeClock) {
    this.leases = new LeaseServer(clock);
  }

  /** Somebody creates or edits it. */
  put(raw: RawService): void {
    const { metadata } = raw;
    const key = `${metadata.namespace}/${metadata.name}`;
    const resourceVersion = String(++this.#version);
    const stored = { ...raw, metadata: { ...metadata, resourceVersion } };
    this.#services.set(key, stored);
    this.onChange(key, stored);
  }

  delete(key: string): void {
    this.#services.delete(key);
    this.onChange(key, undefined);
  }

  keys(): readonly string[] {
    return [...this.#services.keys()];
  }

  get(key: string): RawService {
    return this.#services.get(key)!;
  }

  /** `192.0.2.1 Assigned`; `PoolsExhausted` without an address; empty: untouched */
  statusOf(key: string): string {
    const { loadBalancer, conditions = [] } = this.get(key).status as Status;
    const ips = (loadBalancer?.ingress ?? []).map(({ ip }) => ip);
    return [...ips, ...conditions.map(({ reason }) => reason)].join(' ');
  }

  transport(): ApiTransport {
    const leases = this.leases.transport();
    const isLease = (path: string) => path.includes('/leases');
    return {
      getJson: async (path, query, options = {}) => {
        if (isLease(path)) return leases.getJson(path, query, options);
        return this.#list(path, query['fieldSelector'] ?? '');
      },
      sendJson: async (method, path, body, options = {}) => {
        if (isLease(path)) return leases.sendJson(method, path, body, options);
        return this.#patch(path, body as StatusPatch, options.signal);
      },
      openStream: () => Promise.reject(new Error('nothing is watched here')),
      refreshCredentials: () => undefined,
    };
  }

  async #list(path: string, fieldSelector: string): Promise<object> {
    const [, namespace] = /namespaces\/([^/]+)/.exec(path) ?? [];
    const name = /metadata\.name=(.+)/.exec(fieldSelector)?.[1];
    const request = name === undefined ? 'LIST' : `READ ${namespace}/${name}`;
    this.requests.push(request);
    await this.fate(request);
    const items = [...this.#services.values()].filter(
      ({ metadata }) =>
        name === undefined || (metadata.namespace === namespace && metadata.name === name),
    );
    return { metadata: { resourceVersion: String(this.#version) }, items: structuredClone(items) };
  }

  async #patch(path: string, patch: StatusPatch, signal?: AbortSignal): Promise<object> {
    const [, namespace, name] = /namespaces\/([^/]+)\/services\/([^/]+)\/status$/.exec(path)!;
    const key = `${namespace}/${name}`;
    this.requests.push(`PATCH ${key}`);
    await this.fate(`PATCH ${key}`);
    if (signal?.aborted === true) throw refused(0, 'Aborted', path);
    const before = this.#services.get(key);
    if (before === undefined) throw refused(404, 'NotFound', path);
    const { resourceVersion } = before.metadata;
    if (patch.metadata.resourceVersion !== resourceVersion) throw refused(409, 'Conflict', path);
    const { ingress } = patch.status.loadBalancer ?? {};
    if (ingress && before.spec.type !== 'LoadBalancer') throw refused(422, 'Invalid', path);
    this.put({ ...before, status: this.admit(merged(before.status, patch)) as never });
    const answer = structuredClone(this.get(key));
    await this.afterwards(`PATCH ${key}`);
    return answer;
  }
}

/** Strategic: lists of addresses are replaced, conditions merged by type. */
function merged(before: Status, { status }: StatusPatch): Status {
  const ingress =
    status.loadBalancer === undefined
      ? before.loadBalancer?.ingress
      : (status.loadBalancer.ingress ?? undefined);
  const conditions = new Map((before.conditions ?? []).map((each) => [each.type, each]));
  for (const change of status.conditions ?? []) {
    if ('$patch' in change) conditions.delete(change.type);
    else conditions.set(change.type, { ...conditions.get(change.type), ...change });
  }
  return {
    loadBalancer: ingress === undefined ? {} : { ingress },
    conditions: [...conditions.values()],
  };
}

export function refused(status: number, reason: string, url = ''): ApiError {
  return new ApiError({ status, reason, message: `${reason} (${status})`, url });
}
