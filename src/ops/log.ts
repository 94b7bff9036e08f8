/**
 * Log lines in the two forms of Kubernetes components: klog's text (`--logging-format=text`) and JSON. What is worth a
 * line at which verbosity is decided by who writes it; everything goes to one destination, stderr in production.
 */
import { pino } from 'pino';
import { callerOf } from './callSite.ts';
import { formatJson, formatKlog, type LogRecord, type Severity } from './logFormat.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  info(message: string, fields?: LogFields): void;
  /** written only when `-v` is at least `level` */
  verbose(level: number, message: string, fields?: LogFields): void;
  /** for fields that cost something to compute */
  isVerbose(level: number): boolean;
  warning(message: string, fields?: LogFields): void;
  /** @param error what was thrown, if anything; told as `err` */
  error(message: string, error?: unknown, fields?: LogFields): void;
}

export interface LoggerOptions {
  /** `--logging-format` */
  readonly format: 'text' | 'json';
  /** `-v` */
  readonly verbosity: number;
  /** takes whole lines with their newline */
  readonly destination: { write(line: string): unknown };
  /** ms since the epoch */
  readonly wallMs: () => number;
  readonly pid: number;
}

/** pino's own numbers; klog has no names below info, it has verbosity. */
const SEVERITIES: ReadonlyMap<number, Severity> = new Map([
  [30, 'info'],
  [40, 'warning'],
  [50, 'error'],
]);

export function createLogger(options: LoggerOptions): Logger {
  const { format, verbosity, destination, wallMs, pid } = options;
  const render = format === 'json' ? formatJson : formatKlog;
  const sink = {
    write: (line: string) => destination.write(`${render(recordFrom(line, pid))}\n`),
  };
  const lines = pino(
    {
      base: null,
      timestamp: () => `,"time":${wallMs()}`,
      serializers: { err: (error: unknown) => error },
    },
    sink,
  );
  // Each method is one call below its caller, which is what `callerOf(1)` counts on.
  return {
    info: (message, fields) => lines.info(envelope(0, callerOf(1), fields), message),
    verbose: (level, message, fields) => {
      if (level <= verbosity) lines.info(envelope(level, callerOf(1), fields), message);
    },
    isVerbose: (level) => level <= verbosity,
    warning: (message, fields) => lines.warn(envelope(0, callerOf(1), fields), message),
    error: (message, error, fields) => {
      const withError = error === undefined ? fields : { err: describeError(error), ...fields };
      lines.error(envelope(0, callerOf(1), withError), message);
    },
  };
}

/** Fields are kept under one key, so that none can collide with what the header is made of. */
function envelope(verbosity: number, caller: string, fields: LogFields = {}): object {
  return { v: verbosity, caller, fields: Object.fromEntries(Object.entries(fields).map(readable)) };
}

/** JSON knows none of these; without this a Set would print as {} and a bigint throw. */
function readable([key, value]: [string, unknown]): [string, unknown] {
  if (typeof value === 'bigint') return [key, value.toString()];
  if (value instanceof Set) return [key, [...(value as Set<unknown>)]];
  if (value instanceof Map) return [key, Object.fromEntries(value as Map<string, unknown>)];
  if (isErrorLike(value)) return [key, describeError(value)];
  return [key, value];
}

function recordFrom(line: string, pid: number): LogRecord {
  const raw = JSON.parse(line) as {
    level: number;
    time: number;
    msg: string;
    v: number;
    caller: string;
    fields: LogFields;
  };
  return {
    severity: SEVERITIES.get(raw.level) ?? 'info',
    timeMs: raw.time,
    pid,
    caller: raw.caller,
    verbosity: raw.v,
    message: raw.msg,
    fields: raw.fields,
  };
}

/** Message with those of its causes; an error of another realm is told by its shape. */
function describeError(error: unknown): string {
  if (!isErrorLike(error)) return String(error);
  const messages: string[] = [];
  for (let at: unknown = error; isErrorLike(at) && messages.length < 5; at = at.cause) {
    if (!messages.some((message) => message.includes(at.message))) messages.push(at.message);
  }
  return messages.join(': ');
}

function isErrorLike(
  value: unknown,
): value is { readonly message: string; readonly cause?: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'stack' in value &&
    typeof (value as { message?: unknown }).message === 'string'
  );
}
