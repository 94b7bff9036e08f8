/**
 * The flags of kube-proxy that do nothing here (yet): accepted, so that its command lines work, and
 * named in a warning when set.
 */
import type { Flag } from './flag.ts';

const withoutEffect = { group: 'withoutEffect', isWithoutEffect: true } as const;

export const LOGGING_WITHOUT_EFFECT: readonly Flag[] = [
  {
    name: 'log-flush-frequency',
    type: 'duration',
    default: '5s',
    fields: ['logging.flushFrequency'],
    winsOverFile: true,
    help: 'every line is written at once',
    ...withoutEffect,
  },
  ...(['text', 'json'] as const).flatMap((format): readonly Flag[] => [
    {
      name: `log-${format}-split-stream`,
      type: 'bool',
      fields: [`logging.options.${format}.splitStream`],
      winsOverFile: true,
      help: 'the whole log goes to stderr',
      ...withoutEffect,
    },
    {
      name: `log-${format}-info-buffer-size`,
      type: 'quantity',
      default: '0',
      fields: [`logging.options.${format}.infoBufferSize`],
      winsOverFile: true,
      help: 'every line is written at once',
      ...withoutEffect,
    },
  ]),
];

export const FLAGS_WITHOUT_EFFECT: readonly Flag[] = [
  {
    name: 'kube-api-content-type',
    type: 'string',
    default: 'application/vnd.kubernetes.protobuf',
    fields: ['clientConnection.contentType'],
    help: 'JSON is spoken always',
    ...withoutEffect,
  },
  {
    name: 'config-sync-period',
    type: 'duration',
    default: '15m0s',
    fields: ['configSyncPeriod'],
    help: 'watches are followed without a periodic re-list',
    ...withoutEffect,
  },
  {
    name: 'iptables-localhost-nodeports',
    type: 'bool',
    default: 'true',
    fields: ['iptables.localhostNodePorts'],
    help: 'of the mode iptables; here "localhost" in --nodeport-addresses asks for NodePorts at 127.0.0.1',
    ...withoutEffect,
  },
  {
    name: 'show-hidden-metrics-for-version',
    type: 'string',
    fields: ['showHiddenMetricsForVersion'],
    help: 'there are no hidden metrics',
    ...withoutEffect,
  },
  {
    name: 'iptables-sync-period',
    type: 'duration',
    default: '30s',
    help: 'of the mode iptables; ours is --ipvs-sync-period',
    ...withoutEffect,
  },
  {
    name: 'iptables-min-sync-period',
    type: 'duration',
    default: '1s',
    help: 'of the mode iptables; ours is --ipvs-min-sync-period',
    ...withoutEffect,
  },
];
