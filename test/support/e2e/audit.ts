// Who wrote what to Services, from the API server's own audit log: a line of it is there before the
// writer has its answer.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Request',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [{ group: '', resources: ['services', 'services/status'] }],
    },
    { level: 'None' },
  ],
};

/** One request that was answered. */
export interface ServiceWrite {
  /** `admin`; the name of a service account alone */
  readonly who: string;
  /** `default/web` */
  readonly service: string;
  /** `patch status`, `create` */
  readonly what: string;
  /** of the answer */
  readonly code: number;
  readonly body: unknown;
}

interface Line {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef: {
    readonly namespace: string;
    readonly name: string;
    readonly subresource?: string;
  };
  readonly responseStatus: { readonly code: number };
  readonly requestObject?: unknown;
}

export class Audit {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kube-ipvs-audit-'));

  constructor() {
    writeFileSync(this.#file('policy.json'), JSON.stringify(POLICY)); // JSON is YAML
  }

  /** For kube-apiserver. */
  get flags(): readonly string[] {
    return [
      `--audit-policy-file=${this.#file('policy.json')}`,
      `--audit-log-path=${this.#file('audit.log')}`,
    ];
  }

  /** In the order of their answers. */
  writes(): readonly ServiceWrite[] {
    const lines = readFileSync(this.#file('audit.log'), 'utf8').split('\n').slice(0, -1);
    return lines.map((text) => {
      const { verb, user, objectRef, responseStatus, requestObject } = JSON.parse(text) as Line;
      const { namespace, name, subresource } = objectRef;
      return {
        who: user.username.split(':').at(-1)!,
        service: `${namespace}/${name}`,
        what: subresource === undefined ? verb : `${verb} ${subresource}`,
        code: responseStatus.code,
        body: requestObject,
      };
    });
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}
