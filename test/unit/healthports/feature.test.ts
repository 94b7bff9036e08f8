/** Over real sockets on a loopback address of this test's own. */
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Running } from '../../../src/feature/feature.ts';
import { healthPorts } from '../../../src/healthports/shell/feature.ts';
import type { ObjectState } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';
import { settle } from '../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';

/** No other process asks for it, and none is asked there: 127.0.0.0/8 is all this machine's. */
const addressOf = (last: number) =>
  `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}.${last}`;
const HERE = addressOf(1);
const PORT = 31_070;

let host: FakeFeatureHost;
let running: Running;
let blockers: net.Server[];

beforeEach(() => {
  host = new FakeFeatureHost();
  machineWith(HERE);
  blockers = [];
});
afterEach(async () => {
  await running.stop();
  for (const each of blockers) each.close();
});

function machineWith(...addresses: readonly string[]): void {
  const lo = { name: 'lo', isUp: true, addresses: addresses.map((each) => `${each}/8`) };
  host.machine = hostNetwork({ interfaces: [lo] });
}

async function start(): Promise<void> {
  const choices = [parsePrefix('127.0.0.0/8')!, parsePrefix('fd00::/8')!];
  running = await healthPorts(choices).start(host);
}

function put(state: ObjectState): void {
  const change = host.cluster.put(state);
  if (change !== undefined) running.changed?.(change);
}

function service(name: string, port: number | undefined): void {
  const metadata = { name, namespace: 'shop' };
  const spec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: port,
  };
  const object =
    port === undefined ? undefined : slimService(rawService(spec, { metadata })).object;
  put({ kind: 'Service', key: `shop/${name}`, object });
}

function endpoints(name: string, ...addresses: readonly string[]): void {
  const labels = { 'kubernetes.io/service-name': name };
  const metadata = { name: `${name}-1`, namespace: 'shop', labels };
  const here = addresses.map((address) => ({ addresses: [address], nodeName: 'node-1' }));
  const { object } = slimEndpointSlice(rawSlice({ metadata, endpoints: here }));
  put({ kind: 'EndpointSlice', key: `shop/${name}-1`, object });
}

/** What it leads to is there some turns of the event loop later: see {@link eventually}. */
function round(): void {
  running.roundBegan?.();
  running.roundDone?.();
}

/** Until it holds; a test that waits in vain is ended by its limit. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await settle();
}

/** What comes until the other side ends, or the answer is whole. */
function ask(request: string, port = PORT, address = HERE): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, address, () => socket.write(request));
    let text = '';
    socket.on('data', (piece) => {
      text += piece;
      if (isWhole(text)) socket.end();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

function isWhole(text: string): boolean {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return body.length === Number(/Content-Length: (\d+)/.exec(head)?.[1]);
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
/** `503`, `ECONNREFUSED` */
const status = async (port = PORT, address = HERE): Promise<string> => {
  try {
    return (await ask(GET, port, address)).split(' ')[1]!;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  }
};
const answers = (expected: string, port = PORT, address = HERE) =>
  eventually(async () => (await status(port, address)) === expected);

async function taken(port: number, address = HERE): Promise<net.Server> {
  const server = net.createServer();
  blockers.push(server);
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return server;
}

describe('the answer', () => {
  beforeEach(async () => {
    await start();
    service('web', PORT);
    endpoints('web', '10.244.1.5', '10.244.1.6');
    round();
    await answers('200');
  });

  /** As kube-proxy 1.37.2 sent it for the same Service. */
  const ofKubeProxy = (connection = '') =>
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n' +
    'X-Load-Balancing-Endpoint-Weight: 2\r\nDate: D\r\nContent-Length: 111\r\n' +
    `${connection}\r\n` +
    '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n' +
    '\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}';
  const dateless = (text: string) => {
    expect(text).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
    return text.replace(/Date: [^\r]*/, 'Date: D');
  };

  test('is byte by byte that of kube-proxy', async () => {
    expect(dateless(await ask(GET))).toBe(ofKubeProxy());
  });

  test.each([
    'GET /healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
    'DELETE /..//x HTTP/1.1\r\nHost: x\r\n\r\n',
  ])('does not depend on path and method: %j', async (request) => {
    expect(dateless(await ask(request))).toBe(ofKubeProxy());
  });

  test('ends the connection where it is asked to', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(dateless(await ask(request))).toBe(ofKubeProxy('Connection: close\r\n'));
  });

  test('comes to clients of HTTP/1.0, which are told that the connection goes on', async () => {
    const answer = await ask('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(answer).toContain('\r\nConnection: keep-alive\r\n');
    expect(answer).toContain('"localEndpoints": 2');
  });

  test('is 503 while the proxy is not healthy, and is counted', async () => {
    host.health = false;
    const answer = await ask(GET);
    expect(answer).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
    expect(answer).toContain('"localEndpoints": 2,\n\t"serviceProxyHealthy": false');
    host.health = true;
    await answers('200');
    const metrics = await host.metrics.metrics();
    expect(metrics).toContain('kubeipvs_health_check_answers_total{code="503"} 1');
    expect(metrics).toContain('kubeipvs_health_check_answers_total{code="200"} 2');
    expect(metrics).toContain('kubeipvs_health_check_listeners 1');
  });

  test('follows the endpoints over one connection', async () => {
    const socket = net.connect(PORT, HERE);
    const next = () =>
      new Promise<string>((resolve) => {
        socket.once('data', (data) => resolve(String(data)));
        socket.write(GET);
      });
    expect(await next()).toContain('X-Load-Balancing-Endpoint-Weight: 2');
    endpoints('web');
    round();
    expect(await next()).toContain('HTTP/1.1 503');
    socket.destroy();
  });
});

test('a port is listened on from the end of the round that took its Service', async () => {
  await start();
  service('web', PORT);
  running.roundBegan?.();
  await settle();
  expect(await status()).toBe('ECONNREFUSED');
  running.roundDone?.();
  await answers('503');
});

test('a Service that is made anew with another port is listened on there alone', async () => {
  await start();
  service('web', PORT);
  endpoints('web', '10.244.1.5');
  round();
  service('web', undefined);
  service('web', PORT + 1);
  round();
  await answers('200', PORT + 1);
  await answers('ECONNREFUSED');
});

test('a port goes from one Service to another', async () => {
  await start();
  service('web', PORT);
  round();
  service('web', undefined);
  service('api', PORT);
  endpoints('api', '10.244.1.5');
  round();
  await answers('200');
  expect(await ask(GET)).toContain('"name": "api"');
  expect(host.told).toEqual([]);
});

describe('a port that is taken', () => {
  const PROBLEM = `${HERE}:${PORT}: another process listens there`;

  test('is told, and tried again until it is free', async () => {
    const other = await taken(PORT);
    await start();
    service('web', PORT);
    service('api', PORT + 1);
    round();
    await eventually(() => host.told.length > 0);
    expect(host.told).toEqual([
      {
        regarding: { kind: 'Service', namespace: 'shop', name: 'web' },
        type: 'Warning',
        reason: 'FailedToStartServiceHealthcheck',
        action: 'Listen',
        note: `node node-1 failed to start healthcheck "shop/web" on port ${PORT}: health check of Service shop/web cannot listen on ${PROBLEM}`,
      },
    ]);
    const subjects = () =>
      host.conditions.standing.map(({ condition, subject }) => [condition.code, subject]);
    expect(subjects()).toEqual([['HealthCheckPortNotServed', `shop/web ${HERE}:${PORT}`]]);
    await answers('503', PORT + 1);
    await host.clock.advance(5_000);
    await eventually(() => host.told.length === 2);
    await new Promise((resolve) => other.close(resolve));
    await host.clock.advance(5_000);
    await answers('503');
    expect(subjects()).toEqual([]);
    expect(host.log.lines.at(-1)).toContain('health check is listened on now');
  });

  test("is nobody's trouble any more when its Service is gone", async () => {
    await taken(PORT);
    await start();
    service('web', PORT);
    round();
    await eventually(() => host.conditions.standing.length === 1);
    service('web', undefined);
    round();
    await eventually(() => host.conditions.standing.length === 0);
    await host.clock.advance(60_000);
    expect(host.told).toHaveLength(1);
  });

  test('is taken at one address only: the others are listened on', async () => {
    machineWith(HERE, addressOf(2));
    await taken(PORT);
    await start();
    service('web', PORT);
    round();
    await answers('503', PORT, addressOf(2));
    await eventually(() => host.told.length === 1);
  });
});

test('addresses that come and go are followed', async () => {
  await start();
  service('web', PORT);
  round();
  machineWith(addressOf(2));
  round();
  await answers('503', PORT, addressOf(2));
  await answers('ECONNREFUSED');
});

test('nothing is listened on after the end, and connections end', async () => {
  await start();
  service('web', PORT);
  round();
  await answers('503');
  const socket = net.connect(PORT, HERE);
  await new Promise((resolve) => socket.once('connect', resolve));
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.resume();
  await running.stop();
  await ended;
  await answers('ECONNREFUSED');
});
