/** Lines to restore: batches, order, numbers of lines, what ends it. */
import { expect, test } from '@jest/globals';
import { readOptions, requestFrom } from '../../../../src/cli/ipvsadm/commandLine.ts';
import { restore } from '../../../../src/cli/ipvsadm/restore.ts';

const NO_NAMES = { host: () => undefined, port: () => undefined };

/** @param refuse errno of a change by the port of its service */
async function run(chunks: readonly string[], refuse: (port: number) => number = () => 0) {
  const log: string[] = [];
  async function* input() {
    yield* chunks;
  }
  const exitCode = await restore(input(), {
    parse: (words) => requestFrom(readOptions(words), NO_NAMES, 'ipvsadm'),
    execute: async (changes) => {
      const ports = changes.map((change) => {
        const service = 'service' in change ? change.service : undefined;
        return service !== undefined && 'port' in service ? service.port : 0;
      });
      log.push(`execute ${ports.join(',')}`);
      return ports.map(refuse);
    },
    perform: async ({ command }) => {
      log.push(command);
      return 0;
    },
    complain: (line, text) => log.push(`${line}: ${text}`),
    refusalText: (_, errno) => `errno ${errno}`,
  });
  return { exitCode, log };
}

const add = (port: number) => `-A -t 10.0.0.1:${port} -s rr`;

test('changes go in one batch, whatever the pieces that lines come in', async () => {
  const text = `${add(1)}\n\n  ipvsadm\t${add(2)} \r\n`;
  expect(await run([text])).toEqual({ exitCode: 0, log: ['execute 1,2'] });
  const cut = text.length - 12;
  expect(await run([text.slice(0, cut), text.slice(cut)])).toEqual({
    exitCode: 0,
    log: ['execute 1', 'execute 2'],
  });
});

test('a NUL ends the word it is in', async () => {
  expect(await run([`-A\0x -t 10.0.0.1:1 ipvsadm\0x -s rr\0\n`])).toEqual({
    exitCode: 0,
    log: ['execute 1'],
  });
  expect(await run([`${add(1)} \0\n`])).toEqual({
    exitCode: 2,
    log: ['1: unexpected argument '],
  });
});

test('the last line needs no end', async () => {
  expect(await run([`${add(1)}\n${add(2)}`])).toEqual({
    exitCode: 0,
    log: ['execute 1', 'execute 2'],
  });
});

test('the kernel refuses one: its line is named, the rest is done, the last line decides', async () => {
  const refuse = (port: number) => (port === 2 ? 17 : 0);
  expect(await run([[add(1), '', add(2), add(3), ''].join('\n')], refuse)).toEqual({
    exitCode: 0,
    log: ['execute 1,2,3', '3: errno 17'],
  });
  expect(await run([[add(1), add(2), ''].join('\n')], refuse)).toEqual({
    exitCode: 255,
    log: ['execute 1,2', '2: errno 17'],
  });
});

test('a usage error ends it after what came before; an unknown option does not', async () => {
  expect(await run([[add(1), '-A -t', add(2), '-A', add(3), ''].join('\n')])).toEqual({
    exitCode: 2,
    log: [
      'execute 1',
      '2: -t: missing argument',
      'execute 2',
      "4: You need to supply the 'service-address' option for the 'add-service' command",
    ],
  });
});

test('a listing sees what stands before it', async () => {
  expect(await run([[add(1), '-Ln', add(2), ''].join('\n')])).toEqual({
    exitCode: 0,
    log: ['execute 1', 'table', 'execute 2'],
  });
});

test('many lines do not pile up', async () => {
  const lines = Array.from({ length: 9000 }, (_, i) => add(1 + i));
  const { log } = await run([lines.join('\n')]);
  expect(log.map((line) => line.split(',').length)).toEqual([4096, 4096, 807, 1]);
});
