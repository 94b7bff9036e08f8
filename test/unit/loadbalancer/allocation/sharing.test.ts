import { expect, test } from '@jest/globals';
import {
  lines,
  pool,
  run,
  service,
  settingsOf,
  type ServiceWords,
} from '../../../support/loadbalancer/balanced.ts';

const OFFICE = pool('office', '192.0.2.64/29');
const SETTINGS = settingsOf([OFFICE]);
const ANYWHERE = settingsOf([OFFICE], { sharing: 'AnyNamespace' });

function sharer(name: string, ports: string, words: ServiceWords = {}, key = 'k') {
  const annotations = { 'kube-ipvs.io/share-key': key, ...words.annotations };
  return service(name, { ...words, ports, annotations });
}

const local = (app: string | undefined): ServiceWords => ({
  spec: { externalTrafficPolicy: 'Local', ...(app === undefined ? {} : { selector: { app } }) },
});
const allowing = (namespace: string, allowed: string): ServiceWords => ({
  namespace,
  annotations: { 'lbipam.cilium.io/sharing-cross-namespace': allowed },
});

/** Whether the second comes to the first's address. */
function meets(
  one: ServiceWords,
  other: ServiceWords,
  settings = SETTINGS,
  ports = ['80/TCP', '443/TCP'],
) {
  const services = [
    sharer('one', ports[0]!, { created: '2020', ...one }),
    sharer('other', ports[1]!, other),
  ];
  const [first, second] = [...run(settings, services).decisions.values()].sort((a, b) =>
    a.service.name < b.service.name ? -1 : 1,
  );
  expect([first, second].map((decision) => decision?.state)).toEqual(['Assigned', 'Assigned']);
  return first?.addresses[0]?.address === second?.addresses[0]?.address;
}

test.each([
  ['the same namespace, both Cluster', {}, {}, true],
  ['two namespaces', { namespace: 'a' }, { namespace: 'b' }, false],
  ['each allows the other', allowing('a', 'b'), allowing('b', 'x, a'), true],
  ['each allows all', allowing('a', '*'), allowing('b', '*'), true],
  ['one allows the other only', allowing('a', 'b'), { namespace: 'b' }, false],
  ['Local beside Cluster', local('web'), {}, false],
  ['both Local, same selector', local('web'), local('web'), true],
  ['both Local, other selector', local('web'), local('db'), false],
  ['both Local without selector', local(undefined), local(undefined), false],
])('with one key: %s', (_title, one, other, isShared) => {
  expect(meets(one, other)).toBe(isShared);
});

test('the order of labels in a selector does not matter', () => {
  const by = (selector: Record<string, string>): ServiceWords => ({
    spec: { externalTrafficPolicy: 'Local', selector },
  });
  expect(meets(by({ a: '1', b: '2' }), by({ b: '2', a: '1' }))).toBe(true);
});

test('sharing may be allowed between all namespaces, or not at all', () => {
  expect(meets({ namespace: 'a' }, { namespace: 'b' }, ANYWHERE)).toBe(true);
  expect(meets({}, {}, settingsOf([OFFICE], { sharing: 'Never' }))).toBe(false);
});

test('a port of another protocol is another port', () => {
  expect(meets({}, {}, SETTINGS, ['53/TCP', '53/UDP'])).toBe(true);
  expect(meets({}, {}, SETTINGS, ['53/UDP', '53/SCTP'])).toBe(true);
  expect(meets({}, {}, SETTINGS, ['53/TCP 80/TCP', '443/TCP 53/TCP'])).toBe(false);
});

test("other programs' annotations count, and with other keys nothing is shared", () => {
  const services = [
    service('a', { annotations: { 'metallb.universe.tf/allow-shared-ip': 'k' } }),
    service('b', { annotations: { 'lbipam.cilium.io/sharing-key': 'k' }, ports: '81/TCP' }),
    sharer('c', '82/TCP', {}, 'other'),
    service('d', { ports: '83/TCP' }),
  ];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/a Assigned 192.0.2.64@office',
    'default/b Assigned 192.0.2.64@office',
    'default/c Assigned 192.0.2.65@office',
    'default/d Assigned 192.0.2.66@office',
  ]);
});

test('the lowest address that carries the key is taken, and a free one where none will do', () => {
  const services = [
    sharer('a', '80/TCP', { has: '192.0.2.70' }),
    sharer('b', '80/TCP', { has: '192.0.2.68' }),
    sharer('c', '443/TCP', { created: '2027' }),
    sharer('d', '443/TCP', { created: '2028' }),
    sharer('e', '443/TCP 80/TCP', { created: '2029' }),
    sharer('f', '8080/TCP', { created: '2030' }),
  ];
  expect(lines(run(SETTINGS, services)).slice(2)).toEqual([
    'default/c Assigned 192.0.2.68@office',
    'default/d Assigned 192.0.2.70@office',
    'default/e Assigned 192.0.2.64@office',
    'default/f Assigned 192.0.2.64@office',
  ]);
});

test('addresses that carry the key are looked for in all pools first, but not in a draining one', () => {
  const pools = [pool('first', '192.0.2.0/24'), pool('second', '198.51.100.0/24')];
  const services = [
    sharer('a', '80/TCP', { has: '198.51.100.7' }),
    sharer('b', '81/TCP', { created: '2027' }),
  ];
  expect(lines(run(settingsOf(pools), services))[1]).toContain('198.51.100.7@second');
  const draining = [pools[0]!, { ...pools[1]!, draining: true }];
  expect(lines(run(settingsOf(draining), services))[1]).toContain('192.0.2.0@first');
});

test('nobody comes to an address that another machine answers for', () => {
  const services = [
    sharer('a', '80/TCP', { has: '192.0.2.66' }),
    sharer('b', '81/TCP', { created: '2027' }),
  ];
  const foreignOwners = new Map([['192.0.2.66', '02:00:00:00:00:99']]);
  expect(lines(run(SETTINGS, services, { foreignOwners }))).toEqual([
    'default/a Assigned 192.0.2.66@office',
    'default/b Assigned 192.0.2.64@office',
  ]);
});

test('both families are shared with one that has both', () => {
  const settings = settingsOf([pool('office', '192.0.2.64/29 2001:db8::/64')]);
  const dual: ServiceWords = { families: '46', policy: 'RequireDualStack' };
  const services = [
    sharer('a', '80/TCP', { ...dual, has: '192.0.2.66 2001:db8::5' }),
    sharer('b', '81/TCP', { ...dual, created: '2027' }),
    sharer('c', '82/TCP', { created: '2027', families: '6' }),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/a Assigned 192.0.2.66@office 2001:db8::5@office',
    'default/b Assigned 192.0.2.66@office 2001:db8::5@office',
    'default/c Assigned 2001:db8::5@office',
  ]);
});

test.each([
  ['the key was changed', sharer('old', '80/TCP', { created: '2020', has: '192.0.2.64' }, 'new')],
  ['the key was removed', service('old', { created: '2020', has: '192.0.2.64' })],
  ['a port clashes now', sharer('old', '80/TCP 443/TCP', { created: '2020', has: '192.0.2.64' })],
  [
    'the policy was changed',
    sharer('old', '80/TCP', { created: '2020', has: '192.0.2.64', ...local('a') }),
  ],
])('%s: the younger moves to another address, whoever was edited', (_title, old) => {
  const younger = sharer('young', '443/TCP', { has: '192.0.2.64' });
  expect(lines(run(SETTINGS, [old, younger]))).toEqual([
    'default/old Assigned 192.0.2.64@office',
    'default/young Assigned 192.0.2.65@office',
  ]);
});

test('a requested address is shared, in whatever order they come', () => {
  const asks = { spec: { loadBalancerIP: '192.0.2.69' } };
  const services = [sharer('a', '80/TCP', asks), sharer('b', '443/TCP', asks)];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/a Assigned 192.0.2.69@office',
    'default/b Assigned 192.0.2.69@office',
  ]);
});
