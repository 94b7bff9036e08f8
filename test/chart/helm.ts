// The real helm on our chart, with folders of its own, so that nothing of the user's helm is read
// or written.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { checkout } from '../../packaging/machine.mjs';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { findHelm } from '../tools/helm.mjs';

export const CHART = join(checkout, 'charts', 'kube-ipvs');
export const NAMESPACE = 'kube-system';
export const RELEASE = 'kube-ipvs';

export interface HelmResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Files of values that the chart itself brings for tests, with their absolute paths. */
export const ciValues: readonly (readonly [name: string, path: string])[] = readdirSync(
  join(CHART, 'ci'),
).map((name) => [name.replace('-values.yaml', ''), join(CHART, 'ci', name)]);

export class Helm {
  readonly #program: string;
  readonly #home = mkdtempSync(join(tmpdir(), 'helm-'));
  readonly #kubeconfig: string;

  /** @param kubeconfig file; without one the cluster cannot be reached */
  constructor(kubeconfig = '/dev/null') {
    const program = findHelm();
    if (program === undefined) {
      throw new Error('no helm of the pinned version: run npm test -- chart, which builds it');
    }
    this.#program = program;
    this.#kubeconfig = kubeconfig;
  }

  run(...argv: readonly string[]): HelmResult {
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#home,
      HELM_CACHE_HOME: join(this.#home, 'cache'),
      HELM_CONFIG_HOME: join(this.#home, 'config'),
      HELM_DATA_HOME: join(this.#home, 'data'),
      KUBECONFIG: this.#kubeconfig,
    };
    const { status, stdout, stderr } = spawnSync(this.#program, argv, { env, encoding: 'utf8' });
    return { status: status ?? 1, stdout, stderr };
  }

  /** @throws with what helm said unless it ends well */
  must(...argv: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...argv);
    if (status !== 0) throw new Error(`helm ${argv.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The objects of the chart with these arguments, as `helm template` writes them. */
  objects(...argv: readonly string[]): readonly ClusterObject[] {
    return objectsIn(this.must('template', RELEASE, CHART, `--namespace=${NAMESPACE}`, ...argv));
  }

  close() {
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/** @param text YAML documents */
export function objectsIn(text: string): readonly ClusterObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as ClusterObject | null)
    .filter((object) => object !== null);
}

/** @throws when there is not exactly one of the kind */
export function theOnly(objects: readonly ClusterObject[], kind: string): ClusterObject {
  const found = objects.filter((object) => object.kind === kind);
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind}, not one`);
  return found[0]!;
}
