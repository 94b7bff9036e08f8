/**
 * Log lines in the two forms of Kubernetes components: klog's text (`--logging-format=text`) and
 * JSON. What is worth a line at which verbosity is decided by who writes it; everything goes to one
 * destination, stderr in production.
 */
import { callerOf } from './callSite.ts';
import { formatJson, formatKlog, type LogRecord, type Severity } from './logFormat.ts';
import type { Verbosity } from './verbosity.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  info(message: string, fields?: LogFields): void;
  /** written only when `-v`, or `--vmodule` for the file that calls, is at least `level` */
  verbose(level: number, message: string, fields?: LogFields): void;
  /** for fields that cost something to compute */
  isVerbose(level: number): boolean;
  /** as `verbose`, without the quotes of a message: klog's Infof */
  plain(level: number, text: string): void;
  warning(message: string, fields?: LogFields): void;
  /** @param error what was thrown, if anything; told as `err` */
  error(message: string, error?: unknown, fields?: LogFields): void;
}

export interface LoggerOptions {
  /** `--logging-format` */
  readonly format: 'text' | 'json';
  readonly verbosity: Verbosity;
  /** takes whole lines with their newline */
  readonly destination: { write(line: string): unknown };
  /** ms since the epoch */
  readonly wallMs: () => number;
  readonly pid: number;
}

export function createLogger(options: LoggerOptions): Logger {
  const { format, verbosity, destination, wallMs, pid } = options;
  const render = format === 'json' ? formatJson : formatKlog;
  const write = (
    severity: Severity,
    message: string,
    fields: LogFields | undefined,
    { caller, level = 0, isPlain = false }: Written,
  ) => {
    const header = { severity, timeMs: wallMs(), pid, caller, verbosity: level, isPlain };
    const record = { ...header, message, fields: readable(fields) };
    destination.write(`${rendered(record, render)}\n`);
  };
  // Each method is one call below its caller, which is what `callerOf(1)` counts on; where the
  // answer hangs on the file, two more calls stand between.
  const asksFile = () => callerOf(3);
  return {
    info: (message, fields) => write('info', message, fields, { caller: callerOf(1) }),
    verbose: (level, message, fields) => {
      if (!verbosity.allows(level, asksFile)) return;
      write('info', message, fields, { caller: callerOf(1), level });
    },
    isVerbose: (level) => verbosity.allows(level, asksFile),
    plain: (level, text) => {
      if (!verbosity.allows(level, asksFile)) return;
      write('info', text, undefined, { caller: callerOf(1), level, isPlain: true });
    },
    warning: (message, fields) => write('warning', message, fields, { caller: callerOf(1) }),
    error: (message, error, fields) => {
      const withError = error === undefined ? fields : { err: describeError(error), ...fields };
      write('error', message, withError, { caller: callerOf(1) });
    },
  };
}

interface Written {
  readonly caller: string;
  readonly level?: number;
  readonly isPlain?: boolean;
}

/** What JSON cannot write must not end the process: it is told by its kind, the rest as it is. */
function rendered(record: LogRecord, render: (record: LogRecord) => string): string {
  try {
    return render(record);
  } catch {
    const kindOf = (value: unknown) => Object.prototype.toString.call(value);
    const fields = mapped(record.fields, (value) => (isJson(value) ? value : kindOf(value)));
    return render({ ...record, fields });
  }
}

function readable(fields: LogFields = {}): LogFields {
  return mapped(fields, readableValue);
}

function mapped(fields: LogFields, act: (value: unknown) => unknown): LogFields {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) result[key] = act(fields[key]);
  return result;
}

/** Without this a Set would print as {}. */
function readableValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Set) return [...(value as Set<unknown>)];
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  return isErrorLike(value) ? describeError(value) : value;
}

/** Not so: what holds itself, or a bigint. */
function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
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
