// What every chapter works with.

import type { Cluster } from './cluster.ts';
import type { Proxy } from './proxies.ts';
import type { Report } from './report.ts';
import type { DemoServices } from './services.ts';

export interface Demo {
  readonly cluster: Cluster;
  readonly services: DemoServices;
  readonly proxies: readonly Proxy[];
  readonly report: Report;
}
