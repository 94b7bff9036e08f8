/**
 * How a log record reads in klog's text form and in the JSON form of Kubernetes components. Pure.
 */

export type Severity = 'info' | 'warning' | 'error';

export interface LogRecord {
  readonly severity: Severity;
  readonly timeMs: number;
  readonly pid: number;
  /** `folder/file.ts:12` */
  readonly caller: string;
  /** 0 for everything that is always written */
  readonly verbosity: number;
  readonly message: string;
  /** text has the message without quotes */
  readonly isPlain?: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

const LETTER: Readonly<Record<Severity, string>> = { info: 'I', warning: 'W', error: 'E' };

/**
 * `I1124 15:04:05.678000 12345 file.ts:12] "message" key="value" count=3`: local time, seven places
 * for the process. The file stands without its folder.
 *
 * @see k8s.io/klog, header format and structured text
 */
export function formatKlog(record: LogRecord): string {
  const at = new Date(record.timeMs);
  const date = pad(at.getMonth() + 1, 2) + pad(at.getDate(), 2);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => pad(part, 2))
    .join(':');
  const micros = pad(Math.floor((record.timeMs % 1000) * 1000), 6);
  const pid = String(record.pid).padStart(7);
  const fields = Object.entries(record.fields).map(([key, value]) => formatField(key, value));
  const caller = record.caller.slice(record.caller.lastIndexOf('/') + 1);
  const header = `${LETTER[record.severity]}${date} ${time}.${micros} ${pid} ${caller}]`;
  const message = record.isPlain === true ? record.message : JSON.stringify(record.message);
  return `${header} ${message}${fields.join('')}`;
}

/**
 * `{"ts":…,"caller":…,"msg":…,"v":0,…}`: ts in ms; `v` with info only, as errors have none.
 *
 * @see k8s.io/component-base/logs/json
 */
export function formatJson(record: LogRecord): string {
  return JSON.stringify({
    ts: record.timeMs,
    caller: record.caller,
    msg: record.message,
    ...(record.severity === 'info' ? { v: record.verbosity } : { level: record.severity }),
    ...record.fields,
  });
}

/** JSON's text but for null; what JSON leaves out is left out. */
function formatField(key: string, value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return '';
  return ` ${key}=${text === 'null' ? '<nil>' : text}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
