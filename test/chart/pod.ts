// What a kubelet makes of a pod's template for a container runtime: an OCI bundle of each
// container, from the image's own file tree, with the mounts, capabilities, read-only root and
// environment that the template asks for. Only what the chart uses; anything else is an error, so
// that no field of the template is silently ignored.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

export interface SecurityContext {
  readonly privileged?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsUser?: number;
  readonly capabilities?: { readonly drop: readonly string[]; readonly add: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
  readonly seLinuxOptions?: { readonly type: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: object;
  }[];
  readonly securityContext: SecurityContext;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
    readonly readOnly?: boolean;
  }[];
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly hostPath?: { readonly path: string; readonly type?: string };
}

export interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export const podSpecOf = (daemonSet: ClusterObject): PodSpec =>
  (daemonSet['spec'] as { readonly template: { readonly spec: PodSpec } }).template.spec;

export interface PodOptions {
  readonly spec: PodSpec;
  readonly configMap: ClusterObject;
  readonly nodeName: string;
  /** the image's file tree, its entry point and environment */
  readonly image: {
    readonly tree: string;
    readonly entrypoint: readonly string[];
    readonly env: readonly string[];
  };
  readonly serviceAccount: { readonly token: string; readonly ca: string };
  /** for everything it writes; the lab sees it too */
  readonly folder: string;
}

export interface BundleOptions {
  /** of the container */
  readonly name: string;
  /** tells apart several bundles of one container */
  readonly bundle: string;
  /** to its security context, e.g. other capabilities */
  readonly change: Partial<SecurityContext>;
  readonly moreArgs: readonly string[];
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Every capability of the lab's kernel. */
const ALL = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST ' +
  'NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM ' +
  'BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');

export class Pod {
  readonly #options: PodOptions;

  /** Writes the files of its volumes. */
  constructor(options: PodOptions) {
    this.#options = options;
    const { configMap, serviceAccount } = options;
    const write = (folder: string, files: Readonly<Record<string, string>>) => {
      mkdirSync(join(options.folder, folder), { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(options.folder, folder, name), text);
      }
    };
    write('configmap', configMap['data'] as Record<string, string>);
    write('account', { token: serviceAccount.token, 'ca.crt': serviceAccount.ca });
  }

  /** Folders and files of the node that have to be there first, as hostPath's type says. */
  get hostPaths(): readonly { readonly path: string; readonly type?: string }[] {
    return this.#options.spec.volumes.flatMap(({ hostPath }) => (hostPath ? [hostPath] : []));
  }

  /** Writes the bundle of one container. @returns its folder */
  bundle({ name, bundle, change, moreArgs }: BundleOptions): string {
    const { spec, folder } = this.#options;
    const all = [...(spec.initContainers ?? []), ...spec.containers];
    const container = all.find((each) => each.name === name);
    if (!container) throw new Error(`the pod has no container ${name}`);
    const changed = {
      ...container,
      args: [...container.args, ...moreArgs],
      securityContext: { ...container.securityContext, ...change },
    };
    const path = join(folder, bundle);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'config.json'), JSON.stringify(this.#config(changed), undefined, 1));
    return path;
  }

  #config(container: Container) {
    const { image } = this.#options;
    const security = container.securityContext;
    const isPrivileged = security.privileged === true;
    const capabilities = capabilitiesOf(security).map((name) => `CAP_${name}`);
    return {
      ociVersion: '1.0.2',
      root: { path: image.tree, readonly: security.readOnlyRootFilesystem === true },
      process: {
        terminal: false,
        cwd: '/',
        user: { uid: security.runAsUser ?? 0, gid: 0 },
        args: [...image.entrypoint, ...container.args.map((word) => this.#expanded(word))],
        env: [...image.env, ...this.#environment(container)],
        noNewPrivileges: security.allowPrivilegeEscalation === false,
        capabilities: {
          bounding: capabilities,
          effective: capabilities,
          permitted: capabilities,
        },
      },
      mounts: [...systemMounts(isPrivileged), ...this.#mounts(container)],
      linux: {
        // The node's network: no namespace of its own for it.
        namespaces: ['pid', 'mount', 'ipc'].map((type) => ({ type })),
        ...(isPrivileged
          ? {}
          : {
              maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
              readonlyPaths: [
                '/proc/bus',
                '/proc/fs',
                '/proc/irq',
                '/proc/sys',
                '/proc/sysrq-trigger',
              ],
            }),
      },
    };
  }

  #environment({ env = [] }: Container): string[] {
    return env.map(({ name, value, valueFrom }) => {
      if (value !== undefined) return `${name}=${value}`;
      const path = (valueFrom as { readonly fieldRef?: { readonly fieldPath: string } }).fieldRef
        ?.fieldPath;
      if (path !== 'spec.nodeName') throw new Error(`environment from ${path} is not known here`);
      return `${name}=${this.#options.nodeName}`;
    });
  }

  #expanded(word: string): string {
    return word.replaceAll('$(NODE_NAME)', this.#options.nodeName);
  }

  #mounts({ volumeMounts }: Container) {
    const { spec, folder } = this.#options;
    const mounts = volumeMounts.map(({ name, mountPath, subPath, readOnly }) => {
      const volume = spec.volumes.find((each) => each.name === name);
      const source = volume?.hostPath?.path ?? (volume?.configMap && join(folder, 'configmap'));
      if (source === undefined) throw new Error(`volume ${name} is of no kind known here`);
      return bind(subPath === undefined ? source : join(source, subPath), mountPath, readOnly);
    });
    return [...mounts, bind(join(folder, 'account'), SERVICE_ACCOUNT, true)];
  }
}

function capabilitiesOf({ privileged, capabilities }: SecurityContext): readonly string[] {
  if (privileged === true) return ALL;
  if (capabilities?.drop.includes('ALL') !== true)
    throw new Error('a container that keeps the runtime’s default capabilities is not known here');
  return capabilities.add;
}

const bind = (source: string, destination: string, isReadOnly = false) => ({
  type: 'bind',
  source,
  destination,
  options: ['rbind', isReadOnly ? 'ro' : 'rw'],
});

const systemMounts = (isPrivileged: boolean) => [
  { type: 'proc', source: 'proc', destination: '/proc' },
  { type: 'tmpfs', source: 'tmpfs', destination: '/dev', options: ['nosuid', 'mode=755'] },
  bind('/sys', '/sys', !isPrivileged),
];
