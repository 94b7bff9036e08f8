/**
 * How full the kernel's tables of connections are. Netfilter's has a limit, behind which it drops
 * packets; IPVS' has none, but its rows get long. Each is a number that the kernel keeps, or of the
 * last audit: nothing is counted for a scrape.
 */
import { Gauge, type Registry } from 'prom-client';
import { conntrackUse, ipvsTableRows } from './procFiles.ts';

/** @param ipvsConnections undefined: not known */
export function registerTables(
  register: Registry,
  ipvsConnections: () => number | undefined,
): void {
  const gauges: readonly (readonly [string, string, () => number | undefined])[] = [
    [
      'kubeipvs_conntrack_entries',
      'Entries in the connection tracking table of this network namespace',
      () => conntrackUse()?.entries,
    ],
    [
      'kubeipvs_conntrack_limit',
      'Entries that the connection tracking table takes before packets are dropped; 0 = no limit',
      () => conntrackUse()?.limit,
    ],
    [
      'kubeipvs_ipvs_connections',
      'Connections in the table of IPVS at the last audit, those of other programs too',
      ipvsConnections,
    ],
    [
      'kubeipvs_ipvs_table_rows',
      'Rows of the hash table of IPVS connections (module parameter conn_tab_bits)',
      ipvsTableRows,
    ],
  ];
  for (const [name, help, read] of gauges) {
    register.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      }),
    );
  }
}
