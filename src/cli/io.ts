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
}

/** Exit codes of every command but `list`, which has ipvsadm's. */
export const EXIT = { done: 0, failed: 1, badInput: 2 } as const;
