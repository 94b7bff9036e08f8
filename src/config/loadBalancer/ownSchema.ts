/**
 * The document LoadBalancerConfiguration: its fields, what they may hold, and what counts where
 * nothing is said. What several fields have to do with each other is decided in assemble.ts.
 */
import * as v from 'valibot';
import { flag, section } from '../fieldTypes.ts';
import {
  INT32_MAX,
  addressRange,
  dnsLabel,
  durationMs,
  interfaceGlob,
  labelSelector,
  list,
  mustBeObject,
  oneOf,
  optionalList,
  qualifiedName,
  selectors,
  wholeNumber,
} from './fields.ts';

export const DEFAULT_CLASS = 'kube-ipvs.io/l2';
export const DEFAULT_SECRET_FILE = '/etc/kube-ipvs/lb/key';

const announcement = v.object(
  {
    nodeSelectors: selectors(),
    serviceSelectors: selectors(),
    interfaces: list(interfaceGlob, 'names'),
    preferredNodes: list(
      v.object(
        { weight: wholeNumber(1, 100), selector: labelSelector },
        mustBeObject('weight and selector'),
      ),
      'objects with weight and selector',
    ),
  },
  'must be an object',
);

const pool = v.object(
  {
    name: dnsLabel,
    addresses: v.array(addressRange, 'must be a list of prefixes, ranges and addresses'),
    autoAssign: flag(true),
    draining: flag(),
    skipZeroAnd255: flag(),
    priority: v.nullish(wholeNumber(1, INT32_MAX)),
    namespaces: optionalList(dnsLabel, 'names'),
    namespaceSelectors: optionalList(labelSelector, 'label selectors'),
    serviceSelectors: optionalList(labelSelector, 'label selectors'),
    announce: optionalList(announcement, 'objects'),
  },
  mustBeObject('name and addresses'),
);

export const loadBalancerConfiguration = v.object({
  loadBalancerClass: v.nullish(qualifiedName, DEFAULT_CLASS),
  serveUnclassed: flag(),
  pools: list(pool, 'objects with name and addresses'),
  allocation: section({
    outOfPool: oneOf(['Keep', 'Reassign'], 'Keep'),
    fallback: oneOf(['Never', 'WhenExhausted'], 'Never'),
    sharing: oneOf(['Never', 'SameNamespace', 'AnyNamespace'], 'SameNamespace'),
  }),
  announcer: section({
    enabled: flag(true),
    probeBeforeUse: flag(true),
    ignoreExcludeLabel: flag(),
    /** none: all */
    interfaces: list(interfaceGlob, 'names'),
    excludeInterfaces: list(interfaceGlob, 'names'),
    refreshInterval: durationMs('45s', { from: '5s', to: '10m', hasOff: true }),
    holdDown: durationMs('60s', { from: '0s', to: '1h' }),
    heartbeat: section({
      port: v.nullish(wholeNumber(1, 65_535), 10_260),
      interval: durationMs('200ms', { from: '20ms', to: '10s' }),
      misses: v.nullish(wholeNumber(1, 100), 3),
      /** absent: {@link DEFAULT_SECRET_FILE}, unless it goes without */
      secretFile: v.optional(v.nullable(v.string('must be the path of a file'))),
      insecure: flag(),
    }),
  }),
});

export type LoadBalancerConfiguration = v.InferOutput<typeof loadBalancerConfiguration>;
