// What kube-proxy 1.37.2 has beside flags and fields, and what this program makes of it: one row
// each. test/unit/docs/compatibility.test.ts looks for every name in the sources, so whoever adds a
// metric, an endpoint or an Event that is missing here changes its row.

export type Status =
  /** as there */
  | 'same'
  /** there in another way, as the remark says */
  | 'differs'
  /** taken, and nothing follows */
  | 'no effect'
  /** not here */
  | 'missing'
  /** kube-proxy no longer has it; taken */
  | 'gone'
  /** only here */
  | 'ours';

export type Row = readonly [name: string, status: Status, remark?: string];

const GO = 'of the Go runtime; nodejs_* in its place';
const CLIENT = 'of a Go client library';

export const METRICS: readonly Row[] = [
  ['kubeproxy_sync_proxy_rules_duration_seconds', 'same'],
  ['kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'same'],
  ['kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', 'same'],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_pending', 'same'],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_total', 'same'],
  ['kubeproxy_sync_proxy_rules_service_changes_pending', 'same'],
  ['kubeproxy_sync_proxy_rules_service_changes_total', 'same'],
  ['kubeproxy_sync_proxy_rules_iptables_restore_failures_total', 'same'],
  ['kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'same'],
  ['kubeproxy_network_programming_duration_seconds', 'same'],
  ['kubeproxy_proxy_healthz_total', 'same'],
  ['kubeproxy_proxy_livez_total', 'same'],
  ['kubeproxy_conntrack_reconciler_deleted_entries_total', 'same'],
  ['kubeproxy_conntrack_reconciler_sync_duration_seconds', 'same'],
  [
    'kubernetes_build_info',
    'missing',
    'KubeVersionMismatch would fire: kubeipvs_build_info in its place',
  ],
  ['rest_client_requests_total', 'same'],
  ['rest_client_request_duration_seconds', 'missing'],
  ['rest_client_request_size_bytes', 'missing', CLIENT],
  ['rest_client_response_size_bytes', 'missing', CLIENT],
  ['rest_client_rate_limiter_duration_seconds', 'missing', CLIENT],
  ['rest_client_exec_plugin_ttl_seconds', 'missing', CLIENT],
  ['rest_client_exec_plugin_certificate_rotation_age', 'missing', CLIENT],
  ['rest_client_transport_cache_entries', 'missing', CLIENT],
  ['kubernetes_feature_enabled', 'missing', '/configz tells which gates were set'],
  ['apiserver_*, aggregator_*, go_*', 'missing', GO],
];

export const ENDPOINTS: readonly Row[] = [
  ['/healthz', 'differs', 'on both servers; what makes it 503 is in [differences](differences.md)'],
  ['/livez', 'differs', '503 only for what a new process may cure'],
  ['/readyz', 'ours'],
  ['/metrics', 'same'],
  ['/proxyMode', 'same'],
  ['/configz', 'same'],
  ['/flagz', 'same'],
  ['/statusz', 'same'],
  ['/debug/pprof', 'differs', 'with --profiling: profiles of V8, see [debugging](debugging.md)'],
  ['/debug/flags', 'same', 'with --profiling: PUT /debug/flags/v'],
];

export const EVENTS: readonly Row[] = [
  ['Starting', 'same'],
  ['FailedToStartProxierHealthcheck', 'same'],
  ['FailedToStartMetricServer', 'same'],
  ['FailedToStartServiceHealthcheck', 'same'],
  ['IPVSDeprecation', 'missing', 'this proxy goes on'],
  ['KubeProxyDefaultMode', 'missing', 'there is one mode'],
];

export const SIGNALS: readonly Row[] = [
  ['SIGTERM', 'differs', 'ends in order within two seconds with 0; what is programmed stays'],
  ['SIGINT', 'differs', 'as SIGTERM'],
];

export const EXIT_CODES: readonly Row[] = [
  ['0', 'same', '--help, --version, --write-config-to, --init-only; and after SIGTERM'],
  ['1', 'same', 'it cannot go on, or must be started anew: a changed file of --config'],
  ['2', 'ours', 'bad input; called as kube-proxy it is 1 there too'],
];
