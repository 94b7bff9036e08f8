import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { EndpointPicker } from '../../../src/localhostports/endpointPicker.ts';
import type { Forward } from '../../../src/localhostports/forward.ts';
import { LocalhostListener } from '../../../src/localhostports/shell/listener.ts';
import { RelayLimit } from '../../../src/localhostports/shell/relayLimit.ts';
import type { Endpoint } from '../../../src/model/servicePort.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];
const listeners: LocalhostListener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(
    servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))),
  );
});

/** @returns its port */
async function endpoint(serve: (socket: Socket) => void): Promise<Endpoint> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return at((server.address() as AddressInfo).port);
}

function at(port: number): Endpoint {
  const state = { isReady: true, isServing: true, isTerminating: false, isLocal: true };
  return { address: '127.0.0.1', port, source: 'ns/s#0', ...state };
}

/** One that refuses. */
async function nobody(): Promise<Endpoint> {
  const found = await endpoint(() => undefined);
  await new Promise((resolve) => servers.pop()!.close(resolve));
  return found;
}

async function freePort(): Promise<number> {
  return (await nobody()).port;
}

async function forwarding(endpoints: readonly Endpoint[], limit = new RelayLimit(8, 8)) {
  const outcomes: string[] = [];
  const waiting: (() => void)[] = [];
  const forward: Forward = { label: 'ns/web', nodePort: 30_080, endpoints };
  const port = await freePort();
  const listener = new LocalhostListener({
    at: { address: '127.0.0.1', port },
    forward: () => forward,
    picker: new EndpointPicker(() => 0),
    limit,
    onEnded: (outcome) => {
      outcomes.push(outcome);
      for (const wake of waiting.splice(0)) wake();
    },
  });
  listeners.push(listener);
  await listener.listen();
  const ended = async (count: number) => {
    while (outcomes.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return outcomes;
  };
  return { listener, port, ended };
}

interface Client {
  readonly socket: Socket;
  /** all it was sent, and how it ended */
  readonly received: Promise<[text: string, error: string | undefined]>;
}

function client(port: number): Client {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  sockets.push(socket);
  let text = '';
  let code: string | undefined;
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
  const received = new Promise<[string, string | undefined]>((resolve) => {
    socket.once('end', () => resolve([text, undefined]));
    socket.once('close', () => resolve([text, code]));
  });
  return { socket, received };
}

test('a client that has said all still gets the whole answer', async () => {
  const answer = 'x'.repeat(1_000_000);
  const web = await endpoint((socket) => {
    let asked = '';
    socket.on('data', (piece: Buffer) => (asked += piece.toString()));
    socket.on('end', () => socket.end(`${asked} ${answer}`));
  });
  const { port, ended } = await forwarding([web]);
  const { socket, received } = client(port);
  socket.end('question');
  expect(await received).toEqual([`question ${answer}`, undefined]);
  expect(await ended(1)).toEqual(['forwarded']);
});

test('an endpoint that has said all still hears the client', async () => {
  const heard = Promise.withResolvers<string>();
  const web = await endpoint((socket) => {
    let text = '';
    socket.end('greeting');
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    socket.on('end', () => heard.resolve(text));
  });
  const { port, ended } = await forwarding([web]);
  const { socket, received } = client(port);
  expect(await received).toEqual(['greeting', undefined]);
  socket.end('late word');
  expect(await heard.promise).toBe('late word');
  expect(await ended(1)).toEqual(['forwarded']);
});

test('a reset is passed on as a reset, either way', async () => {
  const web = await endpoint((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const { port, ended } = await forwarding([web]);
  const reset = client(port);
  reset.socket.write('x');
  expect(await reset.received).toEqual(['', 'ECONNRESET']);

  const lost = Promise.withResolvers<string | undefined>();
  const other = await endpoint((socket) => {
    socket.write('hello');
    socket.on('error', (error: NodeJS.ErrnoException) => lost.resolve(error.code));
  });
  const second = await forwarding([other]);
  const { socket } = client(second.port);
  socket.once('data', () => socket.resetAndDestroy());
  expect(await lost.promise).toBe('ECONNRESET');
  expect([await ended(1), await second.ended(1)]).toEqual([['forwarded'], ['forwarded']]);
});

test('an endpoint that refuses is passed over; when all do the client is refused', async () => {
  const web = await endpoint((socket) => socket.end('here'));
  const { port } = await forwarding([await nobody(), await nobody(), web]);
  for (let i = 0; i < 3; i++) expect(await client(port).received).toEqual(['here', undefined]);
  const none = await forwarding([await nobody()]);
  const refused = client(none.port);
  expect((await refused.received)[1]).toBe('ECONNRESET');
  expect(await none.ended(1)).toEqual(['unreachable']);
});

test('one connection too many is reset, and room comes back', async () => {
  const web = await endpoint((socket) => {
    socket.write('in');
    socket.on('end', () => socket.end());
  });
  const limit = new RelayLimit(5, 1);
  const { port, ended } = await forwarding([web], limit);
  const first = client(port);
  await new Promise((resolve) => first.socket.once('data', resolve));
  expect((await client(port).received)[1]).toBe('ECONNRESET');
  expect(await ended(1)).toEqual(['limit']);
  first.socket.end();
  await first.received;
  expect(await ended(2)).toEqual(['limit', 'forwarded']);
  expect(limit.open).toBe(0);
  const again = client(port);
  await new Promise((resolve) => again.socket.once('data', resolve));
});

test('ports share one limit', () => {
  const limit = new RelayLimit(3, 2);
  const releases = [1, 1, 2].map((port) => limit.take(port));
  expect([limit.take(1), limit.take(2)]).toEqual([undefined, undefined]);
  releases[0]!();
  expect(limit.take(2)).toBeDefined();
});

test('a port that is given up lets open connections go on, and takes no new ones', async () => {
  const web = await endpoint((socket) => {
    socket.write('in');
    socket.on('data', (piece: Buffer) => socket.write(piece));
    socket.on('end', () => socket.end());
  });
  const { listener, port } = await forwarding([web]);
  const { socket, received } = client(port);
  await new Promise((resolve) => socket.once('data', resolve));
  const retired = listener.retire();
  expect((await client(port).received)[1]).toBe('ECONNREFUSED');
  socket.end('still');
  expect(await received).toEqual(['instill', undefined]);
  await retired;
});

test('the end of the process ends its connections by a reset', async () => {
  const web = await endpoint((socket) => socket.write('in'));
  const { listener, port, ended } = await forwarding([web]);
  const { socket, received } = client(port);
  await new Promise((resolve) => socket.once('data', resolve));
  listener.close();
  expect(await received).toEqual(['in', 'ECONNRESET']);
  expect(await ended(1)).toEqual(['forwarded']);
});
