/** What a rule about one field of a KubeProxyConfiguration is, and checks that several share. */
import { parseDuration } from './duration.ts';
import type { KubeProxyConfiguration } from './kubeProxyConfiguration.ts';

/** @returns what is wrong with the value; undefined when nothing is */
export type Check = (value: unknown, configuration: KubeProxyConfiguration) => string | undefined;

export interface Rule {
  /** kube-proxy's path, without the leading KubeProxyConfiguration */
  readonly path: string;
  readonly field: string;
  readonly check: Check;
}

export function rule(path: string, field: string, check: Check): Rule {
  return { path, field, check };
}

export const durationOf = (value: unknown) => parseDuration(value as string)!;

export const notNegative: Check = (value) => {
  const size = typeof value === 'number' ? value : durationOf(value);
  return size < 0 ? 'must not be negative' : undefined;
};

export const positive: Check = (value) =>
  durationOf(value) <= 0 ? 'must be greater than 0' : undefined;
