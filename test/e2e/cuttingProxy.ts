/**
 * Plain HTTP in, TLS to the API server out, with the bytes of the answers at the test's hand: cut
 * in the middle of a line, delivered in crumbs, refused, or held back as by a network that lost its
 * way.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import tls from 'node:tls';

interface Connection {
  readonly client: Socket;
  readonly server: tls.TLSSocket;
}

export class CuttingProxy {
  readonly #targetPort: number;
  readonly #listener: Server;
  readonly #connections = new Set<Connection>();
  #cutAfter: string | undefined;
  /** connections are closed at once */
  isRefusing = false;
  /** answers come in pieces of this many bytes; 0 as they are */
  crumbBytes = 0;
  /** nobody asks for packed answers, so that text can be found in them */
  isPlain = false;
  /** how often the cut asked for was made */
  cuts = 0;
  /** answers that came packed */
  packed = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = createServer((client) => this.#accept(client));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#listener.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** The next answer that contains `text` ends, as by a reset, three bytes after it. */
  cutAfter(text: string): void {
    this.#cutAfter = text;
  }

  dropAll(): void {
    for (const connection of this.#connections) this.#drop(connection);
  }

  async stop(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.isRefusing) {
      client.destroy();
      return;
    }
    const server = tls.connect({
      host: '127.0.0.1',
      port: this.#targetPort,
      rejectUnauthorized: false,
    });
    const connection = { client, server };
    this.#connections.add(connection);
    client.setNoDelay(true);
    client.on('data', (bytes) => server.write(this.isPlain ? asking(bytes) : bytes));
    server.on('data', (bytes) => {
      if (bytes.includes('Content-Encoding: gzip\r\n')) this.packed++;
      this.#deliver(connection, bytes);
    });
    for (const socket of [client, server]) {
      socket.on('error', () => this.#drop(connection));
      socket.on('close', () => this.#drop(connection));
    }
  }

  #deliver(connection: Connection, bytes: Buffer): void {
    const at = this.#cutAfter === undefined ? -1 : bytes.indexOf(this.#cutAfter);
    if (at >= 0) {
      const end = at + Buffer.byteLength(this.#cutAfter!) + 3;
      this.#cutAfter = undefined;
      this.cuts++;
      connection.client.write(bytes.subarray(0, end), () => this.#drop(connection));
      return;
    }
    const size = this.crumbBytes || bytes.length;
    for (let start = 0; start < bytes.length; start += size) {
      connection.client.write(bytes.subarray(start, start + size));
    }
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection);
    connection.client.destroy();
    connection.server.destroy();
  }
}

/** The headers of a request come in one piece. */
function asking(request: Buffer): Buffer {
  const text = request.toString('latin1').replaceAll('Accept-Encoding: gzip\r\n', '');
  return Buffer.from(text, 'latin1');
}
