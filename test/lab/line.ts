// The lab's end of a line to a test that runs outside (test/support/lab/lab.ts): calls functions of
// this checkout by module and name, one JSON object a line each way. State lives in those modules,
// between calls.

import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from '../../packaging/machine.mjs';

interface Call {
  readonly id: number;
  /** Path from the checkout, e.g. `test/lab/netns.ts`. */
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

type Callable = (...args: readonly unknown[]) => unknown;

// A serial line of the lab kernel, or plain pipes on the host's own.
const path = process.env['KUBE_IPVS_LINE'];
const input = path === undefined ? createReadStream('', { fd: 3 }) : createReadStream(path);
const output = path === undefined ? createWriteStream('', { fd: 4 }) : createWriteStream(path);

const send = (message: object) => output.write(`${JSON.stringify(message)}\n`);

async function answer({ id, module, name, args }: Call) {
  try {
    const exported = (await import(join(checkout, module))) as Record<string, Callable | undefined>;
    const called = exported[name];
    if (!called) throw new Error(`${module} exports no ${name}`);
    send({ id, result: await called(...args) });
  } catch (error) {
    send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

createInterface({ input }).on('line', (line) => {
  if (line === 'end') process.exit(0);
  void answer(JSON.parse(line) as Call);
});
send({ id: 0 });
