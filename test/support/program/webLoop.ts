/** A loop that serves `default/web` with two endpoints, for tests of what happens to it then. */
import { FakeKernel } from '../kernel/fakeKernel.ts';
import { rawService, rawSlice } from '../objects/rawObjects.ts';
import { type HarnessOptions, LoopHarness } from './loopHarness.ts';

export const WEB = '10.96.0.10:80/TCP';

export const endpoints = (...addresses: readonly string[]) => ({
  endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'node-a' })),
});

/** @returns the loop after its first round; who starts it stops it */
export async function startWebLoop(options: HarnessOptions = {}, kernel = new FakeKernel()) {
  const harness = await LoopHarness.create(kernel, options);
  harness.service(rawService());
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.6')));
  harness.start();
  const first = await harness.round();
  return { harness, kernel, first };
}

/** `10.244.1.5 1`: what WEB has in the kernel, with weights. */
export const destinations = (kernel: FakeKernel) =>
  [...(kernel.state.virtualServers.get(WEB)?.destinations.values() ?? [])]
    .map(({ address, weight }) => `${address} ${weight}`)
    .toSorted();
