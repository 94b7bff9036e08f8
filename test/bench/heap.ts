/**
 * What a cluster takes in the pure part of the proxy: live heap after each step from objects to
 * operations, and the CPU that it cost, without a kernel or an API server.
 *
 *   node --expose-gc test/bench/heap.ts [SERVICES [ENDPOINTS]]
 */
import { emptyState } from '../../src/dataplane/state.ts';
import { DesiredBuilder } from '../../src/desired/builder.ts';
import { ClusterStore, type ObjectState } from '../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../src/model/slimService.ts';
import { applyReport, mutableState } from '../../src/plan/applied.ts';
import { difference } from '../../src/plan/difference.ts';
import { orderPlan } from '../../src/plan/order.ts';
import { dataplaneOptions, hostNetwork } from '../support/objects/nodeFixtures.ts';
import { benchService, benchSlice } from './objects.ts';

const [services = 10_000, endpoints = 2] = process.argv.slice(2).map(Number);
const size = { services, endpoints };
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) throw new Error('run it with --expose-gc');

let heapBefore = 0;
let cpuBefore = process.cpuUsage();

function tell(step: string): void {
  const { user, system } = process.cpuUsage(cpuBefore);
  gc!();
  const { heapUsed } = process.memoryUsage();
  const bytes = heapBefore === 0 ? 0 : (heapUsed - heapBefore) / services;
  const figures = [
    step.padEnd(20),
    `${(heapUsed / 2 ** 20).toFixed(1).padStart(7)} MiB live`,
    `${bytes.toFixed(0).padStart(6)} B a Service`,
    `${((user + system) / 1000).toFixed(0).padStart(6)} ms CPU`,
  ];
  console.log(figures.join(''));
  heapBefore = heapUsed;
  cpuBefore = process.cpuUsage();
}

const store = new ClusterStore();
const builder = new DesiredBuilder(store, dataplaneOptions(), hostNetwork());

function put(state: ObjectState): void {
  const change = store.put(state);
  if (change !== undefined) builder.change(change);
}

/** As it comes from an API server: nothing of it is shared with another. */
function received(object: object): unknown {
  return JSON.parse(JSON.stringify(object));
}

function serviceOf(index: number): unknown {
  const { metadata, spec, ...rest } = benchService(index);
  const clusterIPs = [`10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`];
  const creationTimestamp = '2026-11-30T12:00:00Z';
  return received({
    ...rest,
    metadata: { ...metadata, creationTimestamp },
    spec: { ...(spec as object), clusterIPs },
  });
}

const isOwned = () => true;
tell('before');
for (let index = 1; index <= services; index++) {
  const object = slimService(serviceOf(index)).object!;
  put({ kind: 'Service', key: `default/${object.name}`, object });
}
tell('Services');
for (let index = 1; index <= services; index++) {
  const object = slimEndpointSlice(received(benchSlice(index, size))).object!;
  put({ kind: 'EndpointSlice', key: `default/${object.name}`, object });
}
tell('EndpointSlices');
builder.settle();
tell('desired state');
const view = mutableState(emptyState());
const nothing = { excludeCidrs: [], isOwned };
const done = orderPlan(difference(builder.state, view, nothing));
applyReport(view, { done, failed: [], draining: [], kernelWrites: 0 });
tell('view of the kernel');
const left = difference(builder.state, view, nothing);
tell('compared, in order');
console.log(`operations left: ${left.length}; virtual servers: ${view.virtualServers.size}`);
