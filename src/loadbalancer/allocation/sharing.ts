/** Whether two Services may have one address. */
import type { AllocationSettings } from '../../config/loadBalancer/settings.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import { type Failure, failure } from './cause.ts';

/** What sharing goes by, but for ports. */
export interface Sharer {
  /** `ns/name` */
  readonly key: string;
  /** undefined: shares nothing */
  readonly shareKey: string | undefined;
  readonly namespace: string;
  /** namespaces, or `*` */
  readonly allows: readonly string[];
  /** the selector as one text where the policy is Local, empty for a Local one without selector */
  readonly localSelector: string | undefined;
  readonly ports: readonly string[];
  /** equal for all that differ in name and ports alone */
  readonly signature: string;
}

export type SharingRule = AllocationSettings['sharing'];

/** @param key `ns/name` */
export function sharerOf(key: string, service: BalancedService): Sharer {
  const { namespace, ports, externalTrafficPolicy, selector } = service;
  const shareKey = service.shareKey?.value;
  if (shareKey === undefined)
    return {
      key,
      shareKey,
      namespace,
      allows: [],
      localSelector: undefined,
      ports,
      signature: key,
    };
  const allows = (service.shareWithNamespaces?.value ?? '').split(',').map((text) => text.trim());
  const localSelector =
    externalTrafficPolicy === 'Local'
      ? Object.entries(selector)
          .map((entry) => JSON.stringify(entry))
          .sort()
          .join()
      : undefined;
  const signature = JSON.stringify([shareKey, namespace, allows, localSelector ?? null]);
  return { key, shareKey, namespace, allows, localSelector, ports, signature };
}

/**
 * Why `asking` may not have what `holder` has; undefined: it may, but for ports.
 *
 * @see the reference of each side's annotations in slimBalancedService.ts
 */
export function sharingRefusal(
  asking: Sharer,
  holder: Sharer,
  address: string,
  rule: SharingRule,
): Failure | undefined {
  const held = `${holder.key} holds ${address}`;
  const { shareKey } = asking;
  if (shareKey === undefined)
    return failure(
      'AddressInUse',
      `${held}; both would share it with the same annotation kube-ipvs.io/share-key`,
    );
  const refuse = (why: string) => failure('SharingRefused', `${held}, ${why}`);
  if (rule === 'Never') return refuse('and allocation.sharing is Never');
  if (shareKey !== holder.shareKey)
    return refuse(
      `${holder.shareKey === undefined ? 'without a share key' : `with share key ${JSON.stringify(holder.shareKey)}`}, this Service's is ${JSON.stringify(shareKey)}`,
    );
  if (!mayMeet(asking, holder, rule))
    return refuse(
      `in another namespace: with share key ${JSON.stringify(shareKey)} each has to name the other's in kube-ipvs.io/share-with-namespaces`,
    );
  if (asking.localSelector !== holder.localSelector || asking.localSelector === '')
    return refuse(
      `with share key ${JSON.stringify(shareKey)}: both have to have externalTrafficPolicy Cluster, or both Local with the same selector`,
    );
  return undefined;
}

export function portRefusal(port: string, holder: Sharer, address: string): Failure {
  const key = JSON.stringify(holder.shareKey);
  return failure('PortInUse', `${holder.key} (share key ${key}) has port ${port} of ${address}`);
}

function mayMeet(one: Sharer, other: Sharer, rule: SharingRule): boolean {
  if (one.namespace === other.namespace || rule === 'AnyNamespace') return true;
  return admits(one, other.namespace) && admits(other, one.namespace);
}

function admits({ allows }: Sharer, namespace: string): boolean {
  return allows.includes('*') || allows.includes(namespace);
}
