// The objects of a cluster by plain HTTPS requests: what the tests change behind the product's
// back. Uses no code of the product, so that a mistake there cannot hide itself.

import https from 'node:https';

/** An API object as JSON; the tests write only the fields they mean. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ApiAddress {
  /** `https://HOST:PORT` */
  readonly url: string;
  readonly token: string;
  /** PEM */
  readonly ca: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

const plurals: Readonly<Record<string, string>> = {
  Service: 'services',
  EndpointSlice: 'endpointslices',
  Node: 'nodes',
  Namespace: 'namespaces',
  ServiceCIDR: 'servicecidrs',
  ServiceAccount: 'serviceaccounts',
  Event: 'events',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
};

export class ClusterObjects {
  readonly #address: ApiAddress;
  readonly #agent: https.Agent;

  constructor(address: ApiAddress) {
    this.#address = address;
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: 8, ca: address.ca });
  }

  /** @returns the object as stored; @throws when the API server refuses it, with its message */
  async create(object: ClusterObject): Promise<ClusterObject> {
    return this.#ask('POST', collectionPath(object), object);
  }

  /** In the order given, eight at a time; about 600 objects a second. */
  async createAll(objects: readonly ClusterObject[]) {
    const rest = [...objects];
    const worker = async () => {
      for (let next = rest.shift(); next; next = rest.shift()) await this.create(next);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  }

  async get(object: ClusterObject): Promise<ClusterObject> {
    return this.#ask('GET', objectPath(object));
  }

  /** Items of one kind, of all namespaces. */
  async list(apiVersion: string, kind: string): Promise<readonly ClusterObject[]> {
    const path = collectionPath({ apiVersion, kind, metadata: { name: '' } });
    const list = await this.#ask('GET', path);
    return list['items'] as readonly ClusterObject[];
  }

  /** Replaces what is stored whole, whatever its version. */
  async replace(object: ClusterObject): Promise<ClusterObject> {
    const { metadata } = await this.get(object);
    const { resourceVersion } = metadata;
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion } };
    return this.#ask('PUT', objectPath(object), versioned);
  }

  /**
   * The same in one request, for many at once: the API server does not ask for the version of kinds
   * that nobody's changes can be lost of (Service, EndpointSlice, Node). Its answer is not read.
   */
  async overwrite(object: ClusterObject): Promise<void> {
    const { status, text } = await this.request('PUT', objectPath(object), object);
    if (status >= 300) throw new Error(`PUT ${objectPath(object)}: ${status} ${text}`);
  }

  /** A JSON merge patch of the object, or of a subresource such as `status`. */
  async patch(object: ClusterObject, patch: unknown, subresource?: string) {
    const path =
      subresource === undefined ? objectPath(object) : `${objectPath(object)}/${subresource}`;
    return this.#ask('PATCH', path, patch, 'application/merge-patch+json');
  }

  /** Deleting what is not there is fine. */
  async delete(object: ClusterObject) {
    const { status, text } = await this.request('DELETE', objectPath(object));
    if (status >= 300 && status !== 404) throw new Error(`DELETE ${objectPath(object)}: ${text}`);
  }

  /** Any request, its answer as it came. */
  request(method: string, path: string, body?: unknown, contentType = 'application/json') {
    const { url, token } = this.#address;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise<ApiAnswer>((resolve, reject) => {
      const request = https.request(
        `${url}${path}`,
        {
          method,
          agent: this.#agent,
          timeout: 20_000,
          headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          );
        },
      );
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer`)));
      request.on('error', reject);
      request.end(text);
    });
  }

  close() {
    this.#agent.destroy();
  }

  async #ask(method: string, path: string, body?: unknown, contentType?: string) {
    const { status, text } = await this.request(method, path, body, contentType);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text) as ClusterObject;
  }
}

function collectionPath({ apiVersion, kind, metadata }: ClusterObject): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`clusterObjects: no path known for kind ${kind}`);
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${plural}`;
}

const objectPath = (object: ClusterObject) => `${collectionPath(object)}/${object.metadata.name}`;
