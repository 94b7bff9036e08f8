/** What a command may touch of its process; tests hand in their own. */
export interface Writer {
  write(text: string): unknown;
}

export interface Io {
  /** results only */
  readonly stdout: Writer;
  /** logs, warnings, errors */
  readonly stderr: Writer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** absent = that of the process */
  readonly stdin?: AsyncIterable<string>;
}

/** All of it, where a command takes `-` for a file. */
export async function readStandardInput({ stdin }: Io): Promise<string> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const part of stdin ?? (process.stdin as AsyncIterable<string>)) text += part;
  return text;
}

/** Exit codes of every command but `list`, which has ipvsadm's. */
export const EXIT = { done: 0, failed: 1, badInput: 2 } as const;
