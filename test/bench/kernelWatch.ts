/**
 * What the benchmarks see of the lab's kernel: without asking a proxy, and with as few system calls
 * as can be, for each costs the proxy some of the one CPU.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket } from '../../src/kernel/addon.ts';
import { GenericSocket } from '../../src/kernel/genlFamily.ts';
import { IpvsClient } from '../../src/kernel/ipvsClient.ts';
import { IpvsListing } from '../../src/kernel/ipvsListing.ts';
import { identityOfKey } from '../../src/kernel/ipvsServer.ts';
import { IPVS_GENL_NAME } from '../../src/netlink/constants.ts';
import { encodeDumpServices } from '../../src/netlink/ipvsRequests.ts';

const ipvs = new IpvsListing();
const whole = new IpvsClient();
const counting = new GenericSocket(IPVS_GENL_NAME, {}, openSocket);

/**
 * Just the number, in two system calls: what also lists destinations would take half of the lab's
 * CPU from the proxy.
 */
export async function serverCount(): Promise<number> {
  try {
    const isOne = () => true;
    const [services = []] = await counting.dump('count servers', [encodeDumpServices], isOne);
    return services.length;
  } catch {
    return 0;
  }
}

export async function allHaveDestinations(): Promise<boolean> {
  const { virtualServers } = await whole.read();
  return [...virtualServers.values()].every(({ destinations }) => destinations.size > 0);
}

/** @param server `10.96.0.1:443/TCP` @returns none while it is not there */
export async function destinationsOf(server: string): Promise<readonly string[]> {
  try {
    const found = await ipvs.service(identityOfKey(server)!, 'without-counters');
    return found?.destinations.map(({ address }) => address) ?? [];
  } catch {
    // Before the proxy has loaded the kernel's module.
    return [];
  }
}

/** Has a destination, and its address is bound: traffic reaches it. */
export async function isComplete(server: string): Promise<boolean> {
  const [address = ''] = server.split(':');
  return (await destinationsOf(server)).length > 0 && (await isLocal(address));
}

/** A socket can be bound to an address of this machine only; listing thousands would be dear. */
function isLocal(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (is: boolean) => socket.close(() => resolve(is));
    socket.once('error', () => done(false));
    socket.bind({ address, port: 0, exclusive: true }, () => done(true));
  });
}

export async function until(isTrue: () => Promise<boolean>, pauseMs: number): Promise<void> {
  const deadline = performance.now() + 600_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('not there after 10 minutes');
    await sleep(pauseMs);
  }
}
