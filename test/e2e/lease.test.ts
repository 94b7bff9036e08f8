/** Two that want the same Lease of a real kube-apiserver. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ApiClient } from '../../src/cluster/client.ts';
import { LeaseElector } from '../../src/cluster/leaseElector.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { waitFor } from './waitFor.ts';
import { Witness, writeKubeconfig } from './witness.ts';

const NAME = 'kube-ipvs-lb';
const PATH = `/apis/coordination.k8s.io/v1/namespaces/default/leases/${NAME}`;

let plane: ApiServer;
let client: ApiClient;
let endings: AbortController[];

beforeAll(async () => {
  plane = await ApiServer.start();
  ({ client } = new Witness(writeKubeconfig(plane, 'lease', { token: plane.token })));
}, 120_000);
afterAll(async () => {
  client?.close();
  await plane?.stop();
}, 30_000);

beforeEach(() => {
  endings = [];
});
afterEach(() => {
  for (const each of endings) each.abort();
});

function start(identity: string) {
  const ending = new AbortController();
  endings.push(ending);
  const failures: string[] = [];
  const writes: string[] = [];
  const elector = new LeaseElector({
    transport: {
      getJson: (...request) => client.getJson(...request),
      sendJson: async (...request) => {
        const answer = await client.sendJson(...request);
        writes.push(request[0]);
        return answer;
      },
    },
    timing: new SystemClock(),
    namespace: 'default',
    name: NAME,
    identity,
    random: Math.random,
    onChange: () => undefined,
    onFailure: (error) => {
      if (error !== undefined) failures.push(error.message);
    },
  });
  return { elector, failures, writes, ending, done: elector.run(ending.signal) };
}

async function spec() {
  const lease = (await client.getJson(PATH, {})) as { spec: Record<string, unknown> };
  return lease.spec;
}

test('one makes it, keeps it, gives it back, and the other one takes it', async () => {
  const first = start('a');
  await waitFor('the first one leads', () => first.elector.isLeader);
  const second = start('b');
  await waitFor('it has been renewed', () => first.writes.length > 2);
  expect(first.writes.slice(0, 3)).toEqual(['POST', 'PUT', 'PUT']);
  expect([first.elector.isLeader, second.elector.isLeader]).toEqual([true, false]);
  first.ending.abort();
  await first.done;
  await waitFor('the second one leads', () => second.elector.isLeader);
  expect(await spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  expect([...first.failures, ...second.failures]).toEqual([]);
}, 60_000);

test('who writes over it is given way to', async () => {
  const { elector, failures } = start('c');
  const stolen = { holderIdentity: 'kubectl', leaseDurationSeconds: 3_600 };
  await waitFor('it leads', () => elector.isLeader);
  await client.sendJson('PATCH', PATH, { spec: stolen });
  await waitFor('it follows', () => !elector.isLeader);
  expect(await spec()).toMatchObject(stolen);
  expect(failures).toEqual([]);
}, 60_000);
