import { describe, expect, test } from '@jest/globals';
import type { VmodulePattern } from '../../../src/config/parseFlags.ts';
import { createLogger, type Logger } from '../../../src/ops/log.ts';
import { formatKlog } from '../../../src/ops/logFormat.ts';
import { Verbosity } from '../../../src/ops/verbosity.ts';

const noon = new Date(2026, 10, 24, 15, 4, 5, 678).getTime();

interface Kept {
  readonly log: Logger;
  readonly lines: string[];
  readonly verbosity: Verbosity;
}

function logger(format: 'text' | 'json', level = 0, vmodule: readonly VmodulePattern[] = []): Kept {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const verbosity = new Verbosity({ verbosity: level, vmodule });
  const log = createLogger({ format, verbosity, destination, wallMs: () => noon, pid: 12345 });
  return { log, lines, verbosity };
}

describe('text', () => {
  test('has the header and the fields of klog, with the line it was written at', () => {
    const { log, lines } = logger('text');
    log.info('Synced', { services: 3, from: 'api "x"', ok: true, list: ['a'] });
    expect(lines).toEqual([
      expect.stringMatching(
        /^I1124 15:04:05\.678000   12345 log\.test\.ts:\d+\] "Synced" services=3 from="api \\"x\\"" ok=true list=\["a"\]\n$/,
      ),
    ]);
  });

  test('severities have their letters, errors their message with its causes', () => {
    const { log, lines } = logger('text');
    log.warning('Odd');
    log.error('Failed', new Error('cannot list', { cause: new Error('connect ECONNREFUSED') }), {
      n: 1,
    });
    log.error('No error object');
    expect(lines[0]).toMatch(/^W1124 .*\] "Odd"\n$/);
    expect(lines[1]).toMatch(
      /^E1124 .*log\.test\.ts:\d+\] "Failed" err="cannot list: connect ECONNREFUSED" n=1\n$/,
    );
    expect(lines[2]).toMatch(/\] "No error object"\n$/);
  });

  test('of many causes the outermost five are told', () => {
    const { log, lines } = logger('text');
    const error = Array.from({ length: 7 }, (_, i) => i).reduceRight<Error | undefined>(
      (cause, i) => new Error(`cause ${i}`, { cause }),
      undefined,
    );
    log.error('Failed', error);
    expect(lines[0]).toContain('err="cause 0: cause 1: cause 2: cause 3: cause 4"\n');
  });

  test('a line is one line whatever is in it', () => {
    const { log, lines } = logger('text');
    log.info('two\nlines', { value: 'a\nb' });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.trimEnd()).not.toContain('\n');
  });

  test('what JSON does not know is readable', () => {
    const { log, lines } = logger('text');
    log.info('Odd values', {
      big: 10n,
      set: new Set([1]),
      map: new Map([['k', 2]]),
      error: new Error('x'),
    });
    expect(lines[0]).toContain('big="10" set=[1] map={"k":2} error="x"');
  });

  test('what JSON leaves out is left out, and what it throws at is named', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const fields = { none: undefined, nil: null, nan: Number.NaN, circle, big: [1n] };
    for (const format of ['text', 'json'] as const) {
      const { log, lines } = logger(format);
      log.info('Odd values', fields);
      const said =
        format === 'text'
          ? '"Odd values" nil=<nil> nan=<nil> circle="[object Object]" big="[object Array]"\n'
          : '"v":0,"nil":null,"nan":null,"circle":"[object Object]","big":"[object Array]"}\n';
      expect(lines[0]).toContain(said);
    }
  });

  test('fields may be called like parts of the header', () => {
    const { log, lines } = logger('text');
    log.info('Message', { level: 'high', time: 'late', msg: 'other', pid: 1, v: 2, caller: 'me' });
    expect(lines[0]).toMatch(
      /"Message" level="high" time="late" msg="other" pid=1 v=2 caller="me"\n$/,
    );
  });
});

describe('verbosity', () => {
  test('decides what is written', () => {
    const { log, lines } = logger('text', 2);
    log.verbose(2, 'shown');
    log.verbose(3, 'hidden');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/log\.test\.ts:\d+\] "shown"\n$/);
    expect([log.isVerbose(2), log.isVerbose(3)]).toEqual([true, false]);
  });

  test('can be changed while running', () => {
    const { log, lines, verbosity } = logger('text');
    log.verbose(1, 'hidden');
    verbosity.level = 1;
    log.verbose(1, 'shown');
    verbosity.level = 0;
    log.verbose(1, 'hidden again');
    expect(lines).toEqual([expect.stringContaining('"shown"')]);
  });

  test('is that of --vmodule for the file that writes', () => {
    const { log, lines } = logger('text', 0, [{ filePattern: 'log.test', verbosity: 3 }]);
    log.verbose(3, 'shown');
    log.plain(3, 'shown too');
    log.verbose(4, 'hidden');
    expect(lines).toEqual([
      expect.stringMatching(/log\.test\.ts:\d+\] "shown"\n$/),
      expect.stringMatching(/log\.test\.ts:\d+\] shown too\n$/),
    ]);
    expect([log.isVerbose(3), log.isVerbose(4)]).toEqual([true, false]);
  });

  test('of other files stays', () => {
    const { log, lines } = logger('text', 1, [{ filePattern: 'log', verbosity: 9 }]);
    log.verbose(1, 'shown');
    log.verbose(2, 'hidden');
    expect(lines).toEqual([expect.stringContaining('"shown"')]);
    expect(log.isVerbose(2)).toBe(false);
  });

  test('is never lowered by --vmodule', () => {
    const { log } = logger('text', 4, [{ filePattern: '*', verbosity: 1 }]);
    expect(log.isVerbose(4)).toBe(true);
  });

  test('nobody asks who calls where no pattern could allow it', () => {
    const verbosity = new Verbosity({
      verbosity: 1,
      vmodule: [{ filePattern: '*', verbosity: 3 }],
    });
    const asked: number[] = [];
    for (const level of [0, 1, 2, 3, 4]) {
      verbosity.allows(level, () => {
        asked.push(level);
        return 'ops/x.ts:1';
      });
    }
    expect(asked).toEqual([2, 3]);
  });

  test('the first pattern that fits a file counts', () => {
    const vmodule = [
      { filePattern: 'sync*', verbosity: 2 },
      { filePattern: 'syncLoop', verbosity: 5 },
      { filePattern: 'feature', verbosity: 4 },
    ];
    const verbosity = new Verbosity({ verbosity: 0, vmodule });
    const highest = (caller: string) =>
      [1, 2, 3, 4, 5].filter((level) => verbosity.allows(level, () => caller)).length;
    expect(highest('loop/syncLoop.ts:7')).toBe(2);
    expect(highest('shell/feature.ts:41')).toBe(4);
    expect(highest('shell/features.ts:41')).toBe(0);
  });
});

describe('json', () => {
  test('has the keys of Kubernetes components', () => {
    const { log, lines } = logger('json', 4);
    log.verbose(4, 'Synced', { services: 3 });
    log.error('Failed', new Error('x'));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        ts: noon,
        caller: expect.stringMatching(/^ops\/log\.test\.ts:\d+$/),
        msg: 'Synced',
        v: 4,
        services: 3,
      },
      { ts: noon, caller: expect.any(String), msg: 'Failed', level: 'error', err: 'x' },
    ]);
  });
});

test('a plain line has no quotes in text', () => {
  const kept = [logger('text', 1), logger('json', 1)];
  for (const { log } of kept) log.plain(1, 'FLAG: --v="1"');
  const [text, json] = kept.map(({ lines }) => lines[0]!);
  expect(text).toMatch(/^I1124 .*\] FLAG: --v="1"\n$/);
  expect(JSON.parse(json!)).toMatchObject({ msg: 'FLAG: --v="1"', v: 1 });
});

test('the header of klog keeps its columns for long process numbers', () => {
  const record = {
    severity: 'info',
    timeMs: new Date(2026, 0, 2, 3, 4, 5, 6).getTime(),
    pid: 4194304,
    caller: 'ops/x.ts:1',
    verbosity: 0,
    message: 'm',
    fields: {},
  } as const;
  expect(formatKlog(record)).toBe('I0102 03:04:05.006000 4194304 x.ts:1] "m"');
});
