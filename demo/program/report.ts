// What the demo prints: chapters, rows of requests, blocks of output, and at the end the table of
// all checks. Knows how things look and which checks failed; what is checked is the chapters'
// business.

interface Check {
  readonly title: string;
  /** What was wrong, in a sentence; undefined when nothing was. */
  readonly problem: string | undefined;
}

const RIGHT = '✔ ok';
const WRONG = '✘ WRONG';
const COLUMNS = [9, 22, 12, 26] as const;
const WIDTH = 100;

export class Report {
  readonly #out: { write(text: string): unknown };
  readonly #checks: Check[] = [];
  readonly #beganMs = performance.now();
  #chapterCount = 0;
  #chapterTitle = '';

  constructor(out: { write(text: string): unknown }) {
    this.#out = out;
  }

  get isAllRight(): boolean {
    return this.#checks.length > 0 && this.#checks.every(({ problem }) => problem === undefined);
  }

  get chapterTitle(): string {
    return this.#chapterTitle;
  }

  /** @param why what is shown and why it matters, a sentence or two */
  chapter(title: string, why: string) {
    this.#chapterTitle = title;
    this.#line(
      `\n── ${++this.#chapterCount}. ${title} ${'─'.repeat(Math.max(0, 70 - title.length))}`,
    );
    for (const line of wrapped(why, WIDTH - 3)) this.#line(`   ${line}`);
    this.#line('');
  }

  note(text: string) {
    for (const line of wrapped(text, WIDTH - 3)) this.#line(`   ${line}`);
  }

  gap() {
    this.#line('');
  }

  /** Output of a program, as it came. */
  block(text: string) {
    for (const line of text.trimEnd().split('\n')) this.#line(`     ${line}`.trimEnd());
  }

  /** Heading of {@link row}s. */
  heading() {
    this.row(['from', 'asks', 'answered by', 'which saw the client as']);
  }

  /** @param problem of the row's check; absent for a row without one */
  row(cells: readonly [string, string, string, string], verdict?: { problem: string | undefined }) {
    const padded = cells.map((cell, i) => cell.padEnd(COLUMNS[i]!)).join(' ');
    this.#line(`   ${padded} ${verdict === undefined ? '' : mark(verdict.problem)}`.trimEnd());
  }

  /** Enters a check into the table, and shows at once what was wrong. */
  check(title: string, problem: string | undefined) {
    this.#checks.push({ title, problem });
    if (problem === undefined) return;
    this.#line(`   ${WRONG}: ${title}`);
    for (const line of problem.split('\n')) this.#line(`     ${line}`);
  }

  /** A check with a line of its own where it is made. */
  statement(title: string, problem: string | undefined) {
    if (problem === undefined) this.#line(`   ${RIGHT}: ${title}`);
    this.check(title, problem);
  }

  summary() {
    const failed = this.#checks.filter(({ problem }) => problem !== undefined).length;
    this.chapter('All that was checked', 'Each line compares what happened with what must happen.');
    for (const { title, problem } of this.#checks) {
      this.#line(`   ${mark(problem).padEnd(WRONG.length)}  ${title}`);
    }
    const seconds = ((performance.now() - this.#beganMs) / 1000).toFixed(0);
    const total = `${this.#checks.length} checks, ${failed} wrong, ${seconds} s in the lab`;
    this.#line(`\n   ${failed === 0 ? `${RIGHT}: all was right` : WRONG}; ${total}\n`);
  }

  #line(text: string) {
    this.#out.write(`${text}\n`);
  }
}

function mark(problem: string | undefined): string {
  return problem === undefined ? RIGHT : WRONG;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
