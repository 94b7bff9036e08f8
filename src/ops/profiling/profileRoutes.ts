/**
 * `/debug/pprof` with `--profiling`: Go's paths, with what V8 can tell. Profiles come in pprof's
 * format, or in V8's own for the tools of a browser; a snapshot of the heap has V8's only.
 */
import type { HttpAnswer, Route, Routes } from '../httpListener.ts';
import { encodePprof, type ProfileHead, type StackSample, type ValueType } from './pprof.ts';
import { Recorder } from './recorder.ts';
import { cpuSamples, heapSamples } from './v8Profiles.ts';

export interface ProfileRouteOptions {
  readonly wallMs: () => number;
  readonly recorder?: Recorder;
}

const ROOT = '/debug/pprof';
const DEFAULT_SEC = 30;
/** V8 keeps every sample until the end: some 20 bytes of each. */
const LONGEST_SEC = 300;
/** One look at the stack a millisecond is V8's own measure. */
const CPU_INTERVAL_MICROS = 1_000;
/** One of so many allocated bytes is looked at; Go's default. */
const HEAP_INTERVAL_BYTES = 512 * 1024;
/** For V8 to walk the heap, or to put a profile together. */
const PATIENCE_MS = 60_000;

const TEXT = 'text/plain; charset=utf-8';
const SAMPLES: ValueType = { type: 'samples', unit: 'count' };
const CPU: ValueType = { type: 'cpu', unit: 'nanoseconds' };
const IN_USE: ValueType = { type: 'inuse_space', unit: 'bytes' };
const SPACE: ValueType = { type: 'space', unit: 'bytes' };

const INDEX = `<html>
<head>
<title>/debug/pprof/</title>
</head>
<body>
/debug/pprof/
<ul>
<li><a href='profile'>profile</a>: CPU profile of ${DEFAULT_SEC} s (?seconds=N, at most ${LONGEST_SEC}) in pprof's format, with &amp;format=cpuprofile in V8's</li>
<li><a href='allocs'>allocs</a>: what is allocated in ${DEFAULT_SEC} s (?seconds=N) and lives at their end, in pprof's format, with &amp;format=heapprofile in V8's</li>
<li><a href='heap'>heap</a>: the whole heap as V8's heapsnapshot; the process stands still meanwhile, and the file holds its secrets</li>
</ul>
</body>
</html>
`;

export function profileRoutes(options: ProfileRouteOptions): Routes {
  const recorder = options.recorder ?? new Recorder();
  const found: ReadonlyMap<string, Route> = new Map([
    [`${ROOT}/`, () => ({ status: 200, contentType: 'text/html; charset=utf-8', body: INDEX })],
    [ROOT, () => ({ ...text(302, 'Found'), headers: { Location: `${ROOT}/` } })],
    [`${ROOT}/profile`, cpuRoute(recorder, options)],
    [`${ROOT}/allocs`, allocationsRoute(recorder, options)],
    [`${ROOT}/heap`, heapRoute(recorder)],
  ]);
  const unknown = () => text(404, 'Unknown profile');
  return {
    get: (path) => found.get(path) ?? (path.startsWith(`${ROOT}/`) ? unknown : undefined),
  };
}

function cpuRoute(recorder: Recorder, { wallMs }: ProfileRouteOptions): Route {
  return recording(recorder, 'profile', 'cpuprofile', async (seconds, gone) => {
    const startedAtMs = wallMs();
    const profile = await recorder.cpu(CPU_INTERVAL_MICROS, seconds, gone);
    const head = {
      types: [SAMPLES, CPU],
      periodType: CPU,
      period: CPU_INTERVAL_MICROS * 1000,
      startedAtMs,
      durationMs: (profile.endTime - profile.startTime) / 1000,
    };
    return { own: profile, head, samples: () => cpuSamples(profile) };
  });
}

function allocationsRoute(recorder: Recorder, { wallMs }: ProfileRouteOptions): Route {
  return recording(recorder, 'allocs', 'heapprofile', async (seconds, gone) => {
    const startedAtMs = wallMs();
    const profile = await recorder.allocations(HEAP_INTERVAL_BYTES, seconds, gone);
    const head = {
      types: [IN_USE],
      periodType: SPACE,
      period: HEAP_INTERVAL_BYTES,
      startedAtMs,
      durationMs: wallMs() - startedAtMs,
    };
    return { own: profile, head, samples: () => heapSamples(profile) };
  });
}

function heapRoute(recorder: Recorder): Route {
  return () => {
    const refusal = recorder.refusal('heap');
    return refusal === undefined
      ? file('heap.heapsnapshot', PATIENCE_MS, recorder.heap())
      : busy(refusal);
  };
}

interface Recorded {
  /** as V8 tells it */
  readonly own: unknown;
  readonly head: ProfileHead;
  readonly samples: () => readonly StackSample[];
}

/**
 * @param ownFormat what V8's own form is called, in `format` and at the end of the file's name
 */
function recording(
  recorder: Recorder,
  name: string,
  ownFormat: string,
  record: (seconds: number, gone: AbortSignal) => Promise<Recorded>,
): Route {
  return ({ query, gone }) => {
    const seconds = secondsOf(query);
    if (seconds === undefined) return text(400, `seconds must be at most ${LONGEST_SEC}`);
    const format = query.get('format') ?? 'pprof';
    if (format !== 'pprof' && format !== ownFormat) {
      return text(400, `format must be pprof or ${ownFormat}`);
    }
    const refusal = recorder.refusal('profile');
    if (refusal !== undefined) return busy(refusal);
    const isOwn = format === ownFormat;
    const fileName = isOwn ? `${name}.${ownFormat}` : name;
    return file(fileName, seconds * 1000 + PATIENCE_MS, body());

    async function* body(): AsyncGenerator<string | Uint8Array> {
      const { own, head, samples } = await record(seconds!, gone);
      if (isOwn) {
        yield JSON.stringify(own);
      } else {
        const { gzipSync } = await import('node:zlib');
        yield gzipSync(encodePprof(head, samples()));
      }
    }
  };
}

/** Go's rule: what is no number of seconds, or none at all, is the default. */
function secondsOf(query: URLSearchParams): number | undefined {
  const seconds = Number(query.get('seconds') ?? '');
  if (!(seconds > 0)) return DEFAULT_SEC;
  return seconds > LONGEST_SEC ? undefined : seconds;
}

function file(name: string, patienceMs: number, body: HttpAnswer['body']): HttpAnswer {
  return {
    status: 200,
    contentType: 'application/octet-stream',
    headers: { 'Content-Disposition': `attachment; filename="${name}"` },
    patienceMs,
    body,
  };
}

function busy(refusal: string): HttpAnswer {
  return text(503, `Could not begin: ${refusal}`);
}

function text(status: number, words: string): HttpAnswer {
  return { status, contentType: TEXT, body: `${words}\n` };
}
