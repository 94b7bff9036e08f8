/**
 * What one run of the load balancer's allocator costs, without an API server: Services without an
 * address, then the same ones with what they got, then all of them sharing.
 *
 *   node test/bench/allocation.ts [SERVICES]
 */
import type { BalancedService } from '../../src/model/balancedService.ts';
import {
  pool,
  run,
  service,
  settingsOf,
  type ServiceWords,
} from '../support/loadbalancer/balanced.ts';

const [count = 10_000] = process.argv.slice(2).map(Number);
const settings = settingsOf([
  pool('small', '192.0.2.0/24', { namespaces: ['team-1'] }),
  pool('large', '10.64.0.0/16 2001:db8::/64', { skipZeroAnd255: true }),
]);

function many(words: (index: number) => ServiceWords): readonly BalancedService[] {
  return Array.from({ length: count }, (_, index) =>
    service(`s${index}`, {
      namespace: `team-${index % 50}`,
      ...words(index),
      spec: { clusterIPs: [`10.96.${index >> 8}.${index & 255}`], ...words(index).spec },
    }),
  );
}

/** CPU time; the best of several, as a garbage collection may fall into one. */
function tell(title: string, services: readonly BalancedService[]) {
  const times = Array.from({ length: 9 }, () => {
    const before = process.threadCpuUsage();
    run(settings, services);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  }).sort((a, b) => a - b);
  const [best, median] = [times[0]!, times[4]!].map((ms) => ms.toFixed(0).padStart(5));
  console.log(`${title.padEnd(44)} best ${best} ms, median ${median} ms`);
  return run(settings, services);
}

function withAddresses(services: readonly BalancedService[]): readonly BalancedService[] {
  const { decisions } = run(settings, services);
  return services.map((object) => {
    const decision = decisions.get(`${object.namespace}/${object.name}`);
    const ingress = (decision?.addresses ?? []).map(({ address: ip }) => ({ ip, ipMode: 'VIP' }));
    return { ...object, ingress };
  });
}

const single = many(() => ({}));
const dual = many(() => ({ families: '46', policy: 'RequireDualStack' }));
const key = { annotations: { 'kube-ipvs.io/share-key': 'k' } };
const clashing = many((index) => ({ ...key, namespace: 'one', ports: `${80 + (index % 3)}/TCP` }));
const apart = many((index) => ({ ...key, namespace: 'one', ports: `${1 + index}/TCP` }));

console.log(`${count} Services, ${process.version}`);
tell('IPv4, none has an address', single);
tell('IPv4, all have theirs', withAddresses(single));
tell('dual stack, none has an address', dual);
tell('dual stack, all have theirs', withAddresses(dual));
tell('one share key, three ports', clashing);
tell('one share key, as many ports', apart);
tell('one share key, as many ports, all have theirs', withAddresses(apart));
