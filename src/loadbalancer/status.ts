/**
 * What is written into the status of a Service for a decision, and how the status looks then. Only
 * a difference in the addresses, in the condition's status and reason, or in which addresses it
 * names is written: any other message would be written for ever.
 *
 * @see k8s.io/api/core/v1 ServiceStatus: conditions merge by type, ingress is replaced whole
 */
import type { StatusCondition, StatusIngress } from '../model/balancedService.ts';
import { sameValue } from '../model/sameValue.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';
import type { Decision } from './allocation/decision.ts';
import { CONDITION_TYPE, isMarked, ourCondition } from './condition.ts';

/** As `status` of the object holds it. */
export interface ServiceStatus {
  readonly loadBalancer: { readonly ingress?: readonly StatusIngress[] };
  readonly conditions: readonly StatusCondition[];
}

/** Strategic merge patch of the status subresource. */
export interface StatusPatch {
  readonly metadata: { readonly resourceVersion: string };
  readonly status: {
    readonly loadBalancer?: { readonly ingress: readonly StatusIngress[] | null };
    readonly conditions?: readonly (StatusCondition | Removal)[];
  };
}

interface Removal {
  readonly $patch: 'delete';
  readonly type: string;
}

/**
 * @param now RFC 3339, whole seconds
 * @returns undefined: nothing is to be written
 */
export function patchOf(decision: Decision, now: string): StatusPatch | undefined {
  if (decision.isUntouched) return undefined;
  const { service } = decision;
  const ingress = ingressOf(decision);
  const isMoved = !sameValue(ingress, service.ingress);
  const isLeftAlone = service.isDeleting && !isMoved;
  const condition = isLeftAlone ? undefined : conditionOf(decision, now);
  const isTold = !isSaid(decision, condition);
  if (!isMoved && !isTold) return undefined;
  return {
    metadata: { resourceVersion: service.resourceVersion },
    status: {
      ...(isMoved ? { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } } : {}),
      ...(isTold || condition !== undefined ? { conditions: [condition ?? REMOVAL] } : {}),
    },
  };
}

const REMOVAL: Removal = { $patch: 'delete', type: CONDITION_TYPE };

/** The whole status as it is after the patch, others' conditions in their places. */
export function statusAfter(decision: Decision, now: string): ServiceStatus {
  const { service } = decision;
  const patch = patchOf(decision, now)?.status;
  const ingress = patch?.loadBalancer === undefined ? service.ingress : patch.loadBalancer.ingress;
  const conditions = merged(service.conditions, patch?.conditions ?? []);
  return {
    loadBalancer: ingress === null || ingress.length === 0 ? {} : { ingress },
    conditions,
  };
}

function ingressOf({ state, service, addresses, losses }: Decision): readonly StatusIngress[] {
  if (state !== 'Released') return addresses.map(({ address: ip }) => ({ ip, ipMode: 'VIP' }));
  const gone = new Set(losses.map(({ address }) => address));
  return service.ingress.filter(({ ip }) => !gone.has(parseSloppyAddress(ip ?? '') ?? ''));
}

/** undefined: there is to be none */
function conditionOf(decision: Decision, now: string): StatusCondition | undefined {
  const { state, cause, message, addresses, service } = decision;
  if (state === 'Released') return undefined;
  const status = addresses.length > 0 ? 'True' : 'False';
  const reason = addresses.length > 0 ? state : (cause ?? state);
  const before = ourCondition(service.conditions);
  const isSame = before?.status === status && before.lastTransitionTime !== undefined;
  const lastTransitionTime = isSame ? before.lastTransitionTime : now;
  return { type: CONDITION_TYPE, status, reason, message, lastTransitionTime };
}

/** The object says so already. */
function isSaid({ service }: Decision, condition: StatusCondition | undefined): boolean {
  const before = ourCondition(service.conditions);
  if (service.isDeleting && condition === undefined) return true;
  // One that names other addresses would leave these unannounced.
  if (condition?.status === 'True' && !isMarked(service)) return false;
  return before?.status === condition?.status && before?.reason === condition?.reason;
}

function merged(
  before: readonly StatusCondition[],
  patch: readonly (StatusCondition | Removal)[],
): readonly StatusCondition[] {
  const [change] = patch;
  if (change === undefined) return before;
  if ('$patch' in change) return before.filter(({ type }) => type !== change.type);
  if (!before.some(({ type }) => type === change.type)) return [...before, change];
  return before.map((condition) =>
    condition.type === change.type ? { ...condition, ...change } : condition,
  );
}
