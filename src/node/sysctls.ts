/**
 * Sysctls set before the proxy runs: read, compared, and only what differs written. Those that the
 * dataplane needs are kept by the audit from then on; those of the connection table are set once
 * (ADR 7).
 */
import type { SysctlClient } from '../kernel/sysctl.ts';

export type Sysctls = Pick<SysctlClient, 'read' | 'apply'>;

export interface SysctlValue {
  readonly name: string;
  readonly value: string;
}

export interface SysctlsOutcome {
  readonly set: readonly SysctlValue[];
  readonly failed: readonly FailedSysctl[];
}

export interface FailedSysctl extends SysctlValue {
  /** says why, and what to do: ENOENT when this kernel or network namespace does not have it */
  readonly error: Error;
}

/** @param wanted path below /proc/sys → value */
export async function bringSysctls(
  sysctls: Sysctls,
  wanted: ReadonlyMap<string, string>,
): Promise<SysctlsOutcome> {
  const actual = await sysctls.read([...wanted.keys()]);
  const operations = [...wanted]
    .filter(([name, value]) => actual.get(name) !== value)
    .map(([name, value]) => ({ op: 'setSysctl', name, value }) as const);
  const { outcomes } = await sysctls.apply(operations);
  return {
    set: operations.filter((_, i) => outcomes[i] === undefined),
    failed: operations.flatMap(({ name, value }, i) => {
      const error = outcomes[i];
      return error === undefined ? [] : [{ name, value, error }];
    }),
  };
}
