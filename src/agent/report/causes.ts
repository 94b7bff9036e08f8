/**
 * Which failures are causes: what only follows from another one is told of nowhere, or each
 * endpoint of a refused server would be.
 */
import type { FailedOperation, Operation } from '../../dataplane/operations.ts';
import { type ServerKey, serverKey } from '../../dataplane/state.ts';
import { HeldBackError } from '../../plan/holdBack.ts';

/** Without what was held back, and without destinations whose virtual server failed too. */
export function causesAmong<T extends FailedOperation>(failures: readonly T[]): readonly T[] {
  const servers = failures.filter(({ operation }) => operation.op === 'addServer');
  const failed = new Set(servers.map(({ operation }) => serverOf(operation)));
  return failures.filter(({ operation, error }) => {
    const isOfFailed = operation.op === 'addDestination' && failed.has(serverOf(operation));
    return !isOfFailed && !(error instanceof HeldBackError);
  });
}

function serverOf(operation: Operation): ServerKey | undefined {
  return 'server' in operation ? serverKey(operation.server) : undefined;
}
