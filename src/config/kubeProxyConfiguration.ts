/**
 * `kubeproxy.config.k8s.io/v1alpha1`, KubeProxyConfiguration: every field with its type and
 * default, so that a ConfigMap written for kube-proxy is read here unchanged. Types are decided
 * here; what values make sense is validate.ts, which fields count is resolve.ts.
 *
 * @see kubernetes staging/src/k8s.io/kube-proxy/config/v1alpha1,
 * pkg/proxy/apis/config/v1alpha1/defaults.go
 */
import * as v from 'valibot';
import type { Problem } from '../model/problem.ts';
import {
  durationOrNanoseconds,
  flag,
  flagMap,
  isObject,
  plainDuration,
  plainFloat,
  plainInt,
  pointerDuration,
  pointerInt,
  quantity,
  section,
  text,
  textList,
  unsignedInt,
} from './fieldTypes.ts';
import { appendPort } from '../net/hostPort.ts';
import { type UnknownField, problemOf, unknownFields } from './schema.ts';

export const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1';
export const KIND = 'KubeProxyConfiguration';
export const HEALTHZ_PORT = 10256;
export const METRICS_PORT = 10249;

const fields = {
  apiVersion: v.pipe(text(), v.literal(API_VERSION, `must be ${API_VERSION}`)),
  kind: v.pipe(text(), v.literal(KIND, `must be ${KIND}`)),
  featureGates: flagMap(),
  clientConnection: section({
    kubeconfig: text(),
    acceptContentTypes: text(),
    contentType: text('application/vnd.kubernetes.protobuf'),
    qps: plainFloat(5),
    burst: plainInt(10),
  }),
  logging: section({
    format: text('text'),
    flushFrequency: durationOrNanoseconds('5s'),
    verbosity: unsignedInt(),
    vmodule: v.nullish(
      v.array(section({ filePattern: text(), verbosity: unsignedInt() }), 'must be a list'),
      [],
    ),
    options: section({
      text: section({ splitStream: flag(), infoBufferSize: quantity('0') }),
      json: section({ splitStream: flag(), infoBufferSize: quantity('0') }),
    }),
  }),
  hostnameOverride: text(),
  bindAddress: text('0.0.0.0'),
  healthzBindAddress: text(),
  metricsBindAddress: text(),
  bindAddressHardFail: flag(),
  enableProfiling: flag(),
  showHiddenMetricsForVersion: text(),
  mode: text(),
  iptables: section({
    masqueradeBit: pointerInt(14),
    masqueradeAll: flag(),
    localhostNodePorts: flag(true),
    syncPeriod: plainDuration('30s'),
    minSyncPeriod: plainDuration('1s'),
  }),
  ipvs: section({
    syncPeriod: plainDuration('30s'),
    minSyncPeriod: plainDuration('0s'),
    scheduler: text(),
    excludeCIDRs: textList(),
    strictARP: flag(),
    tcpTimeout: plainDuration('0s'),
    tcpFinTimeout: plainDuration('0s'),
    udpTimeout: plainDuration('0s'),
  }),
  nftables: section({
    masqueradeBit: pointerInt(14),
    masqueradeAll: flag(),
    syncPeriod: plainDuration('30s'),
    minSyncPeriod: plainDuration('1s'),
  }),
  winkernel: section({
    networkName: text(),
    sourceVip: text(),
    enableDSR: flag(),
    rootHnsEndpointName: text(),
    forwardHealthCheckVip: flag(),
  }),
  detectLocalMode: text(),
  detectLocal: section({ bridgeInterface: text(), interfaceNamePrefix: text() }),
  clusterCIDR: text(),
  nodePortAddresses: textList(),
  oomScoreAdj: pointerInt(-999),
  conntrack: section({
    maxPerCore: pointerInt(32768),
    min: pointerInt(131072),
    tcpEstablishedTimeout: pointerDuration('24h0m0s'),
    tcpCloseWaitTimeout: pointerDuration('1h0m0s'),
    tcpBeLiberal: flag(),
    udpTimeout: plainDuration('0s'),
    udpStreamTimeout: plainDuration('0s'),
  }),
  configSyncPeriod: plainDuration('15m0s'),
  portRange: text(),
  windowsRunAsService: flag(),
};

const schema = v.pipe(
  v.custom<object>(isObject, `must be an object with kind: ${KIND}`),
  v.object(fields),
);

/** The document with its defaults filled in; durations as Go writes them. */
export type KubeProxyConfiguration = v.InferOutput<typeof schema>;

export type DecodedConfiguration =
  | {
      readonly configuration: KubeProxyConfiguration;
      /**
       * dotted paths of fields that v1alpha1 does not have: ignored, as kube-proxy's lenient
       * decoding does
       */
      readonly unknown: readonly UnknownField[];
      readonly problems?: never;
    }
  | {
      readonly configuration?: never;
      readonly unknown?: never;
      readonly problems: readonly Problem[];
    };

/** @param document what a YAML or JSON reader made of the file */
export function decodeConfiguration(document: unknown): DecodedConfiguration {
  const result = v.safeParse(schema, document);
  if (!result.success) return { problems: result.issues.map((issue) => problemOf(issue, KIND)) };
  return {
    configuration: withServerAddresses(result.output),
    unknown: unknownFields(schema, document),
  };
}

export function defaultConfiguration(): KubeProxyConfiguration {
  return withServerAddresses(v.parse(schema, { apiVersion: API_VERSION, kind: KIND }));
}

/** Both server addresses follow the family of bindAddress; a bare address gets the usual port. */
function withServerAddresses(configuration: KubeProxyConfiguration): KubeProxyConfiguration {
  const isIpv6 = configuration.bindAddress.includes(':');
  const healthz = configuration.healthzBindAddress || (isIpv6 ? '::' : '0.0.0.0');
  const metrics = configuration.metricsBindAddress || (isIpv6 ? '::1' : '127.0.0.1');
  return {
    ...configuration,
    healthzBindAddress: appendPort(healthz, HEALTHZ_PORT),
    metricsBindAddress: appendPort(metrics, METRICS_PORT),
  };
}
