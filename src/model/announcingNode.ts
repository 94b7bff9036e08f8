/** What decides of a Node whether it may announce load balancer addresses. */
import type { Fields } from './fields.ts';
import type { Labels } from './labelSelector.ts';

export interface AnnouncingNode {
  readonly labels: Labels;
  /** spec.unschedulable */
  readonly isCordoned: boolean;
  /** the taint node.kubernetes.io/out-of-service (KEP-2268): somebody says that it is off */
  readonly isOutOfService: boolean;
  /** the condition NetworkUnavailable is True */
  readonly isNetworkUnavailable: boolean;
  /**
   * the condition Ready is True; no reason against it (KEP-3458), but somebody is to be heard there
   */
  readonly isNodeReady: boolean;
}

/** kubeadm sets it on control planes; load balancers are to leave such a node out (KEP-1143). */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

const OUT_OF_SERVICE_TAINT = 'node.kubernetes.io/out-of-service';

/** @param root of a Node */
export function readAnnouncingNode(root: Fields): AnnouncingNode {
  const spec = root.object('spec');
  const conditions = root.object('status').list('conditions');
  return {
    labels: root.object('metadata').strings('labels'),
    isCordoned: spec.boolean('unschedulable') ?? false,
    isOutOfService: has(spec.list('taints'), 'key', OUT_OF_SERVICE_TAINT),
    isNetworkUnavailable: isTrue(conditions, 'NetworkUnavailable'),
    isNodeReady: isTrue(conditions, 'Ready'),
  };
}

function isTrue(conditions: readonly unknown[], type: string): boolean {
  return conditions.some((each) => has([each], 'type', type) && has([each], 'status', 'True'));
}

function has(list: readonly unknown[], key: string, value: string): boolean {
  return list.some((each) => (each as Record<string, unknown> | null)?.[key] === value);
}
