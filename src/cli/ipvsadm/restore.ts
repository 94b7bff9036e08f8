/**
 * `ipvsadm -R`: command lines from stdin. Changes are collected and sent to the kernel many at
 * once, in their order; anything else (a listing, the end, a line that cannot be read) waits until
 * they are done, so that the effect is that of one by one. What the kernel refuses is reported with
 * the number of its line and the rest goes on; a usage error ends it, as with ipvsadm.
 */
import { type ChangeRequest, type IpvsadmRequest, isChange, type Refusal } from './request.ts';

export interface RestoreSteps {
  parse(words: readonly string[]): IpvsadmRequest | Refusal;
  /** @returns one errno a change, 0 = done */
  execute(changes: readonly ChangeRequest[]): Promise<readonly number[]>;
  /** what is no change: listings, help. @returns the exit code */
  perform(request: Exclude<IpvsadmRequest, ChangeRequest>): Promise<number>;
  /** one line on stderr */
  complain(line: number, text: string): void;
  refusalText(change: ChangeRequest, errno: number): string;
}

/** Some hundreds of kilobytes of messages; the socket cuts them into batches. */
const MAX_PENDING = 4096;

const FAILED = 255;

interface Pending {
  readonly line: number;
  readonly change: ChangeRequest;
}

/** @returns the exit code: that of the last line */
export async function restore(input: AsyncIterable<string>, steps: RestoreSteps): Promise<number> {
  const restoring = new Restoring(steps);
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (await restoring.take(line)) return restoring.exitCode;
    }
    // A person at a terminal sees the effect of each line.
    await restoring.flush();
  }
  if (rest !== '') await restoring.take(rest);
  await restoring.flush();
  return restoring.exitCode;
}

class Restoring {
  exitCode = 0;
  readonly #steps: RestoreSteps;
  #line = 0;
  #pending: Pending[] = [];

  constructor(steps: RestoreSteps) {
    this.#steps = steps;
  }

  /** @returns true when this line ends it all */
  async take(text: string): Promise<boolean> {
    this.#line += 1;
    const words = wordsOf(text);
    if (words.length === 0) return false;
    const request = this.#steps.parse(words);
    if (request.command === 'refused') return this.#refuse(request);
    if (isChange(request)) {
      this.#pending.push({ line: this.#line, change: request });
      if (this.#pending.length >= MAX_PENDING) await this.flush();
      return false;
    }
    await this.flush();
    this.exitCode = await this.#steps.perform(request);
    return request.command === 'help' || request.command === 'version';
  }

  async flush(): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const errnos = await this.#steps.execute(pending.map(({ change }) => change));
    pending.forEach(({ line, change }, i) => {
      const errno = errnos[i]!;
      this.exitCode = errno === 0 ? 0 : FAILED;
      if (errno !== 0) this.#steps.complain(line, this.#steps.refusalText(change, errno));
    });
  }

  async #refuse({ exitCode, message, isFinal }: Refusal): Promise<boolean> {
    await this.flush();
    this.exitCode = exitCode;
    this.#steps.complain(this.#line, message);
    return isFinal;
  }
}

/**
 * The program's own name may stand anywhere. A word of C ends at its first NUL, and may be empty
 * then.
 */
function wordsOf(line: string): string[] {
  const words = line.split(/[ \t\r]+/).filter((word) => word !== '');
  return words.map((word) => word.replace(/\0.*/s, '')).filter((word) => word !== 'ipvsadm');
}
