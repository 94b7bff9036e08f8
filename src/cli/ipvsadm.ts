/**
 * `kube-ipvs ipvsadm`, also the program's name `ipvsadm`: every command of ipvsadm 1.31, reading
 * and changing. Only what is asked is touched; what the proxy knows of Services plays no part. How
 * a command line is read is in ipvsadm/, how a listing looks in listing/.
 */
import { hasCode, isNotPermitted, KernelError } from '../kernel/errors.ts';
import { type Encode, GenericSocket, type NamespaceOptions } from '../kernel/genlFamily.ts';
import { IpvsListing } from '../kernel/ipvsListing.ts';
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type { IpvsVersion } from '../netlink/ipvs.ts';
import { encodeChange, refusalText } from './ipvsadm/change.ts';
import { readOptions, refusedWithHint, requestFrom } from './ipvsadm/commandLine.ts';
import {
  type ChangeRequest,
  type IpvsadmRequest,
  isChange,
  type Refusal,
} from './ipvsadm/request.ts';
import { restore } from './ipvsadm/restore.ts';
import { usage, VERSION_LINE } from './ipvsadm/usage.ts';
import { ListFailure, printListing } from './listing/printListing.ts';
import { SystemLookups } from './listing/systemNames.ts';

/** As much of a stream as it takes. */
interface Writer {
  write(text: string): unknown;
}

export interface IpvsadmIo {
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** what messages call the program; `ipvsadm` when called by that name */
  readonly program?: string;
  /** for -R; absent = that of this process */
  readonly stdin?: AsyncIterable<string>;
  /** such as /run/netns/node1; absent = the namespace of this process */
  readonly networkNamespacePath?: string;
  /** absent = that of this process' namespace */
  readonly connectionTable?: string;
}

/**
 * As ipvsadm: 0 done; 255 refused by the kernel, or options that cannot be read; 2 bad input or no
 * IPVS; 1 nothing to list.
 */
const REFUSED = 255;

/** mh rebuilds a large table at each change, under a lock that all of generic netlink waits for. */
const MH_BATCH = 32;

/** @param argv behind the program's name; none at all lists */
export async function ipvsadm(argv: readonly string[], io: IpvsadmIo): Promise<number> {
  const { program = 'kube-ipvs ipvsadm' } = io;
  const session = new Session(io, program);
  try {
    // ipvsadm does not even tell its version without IPVS; for help alone that is not worth
    // copying.
    const isHelp = program !== 'ipvsadm' && /^(?:-h|--help)$/.test(argv[0] ?? '');
    if (!isHelp) await session.open();
    if (argv.length === 0) return await session.perform(LIST_ALL);
    const request = session.parse(argv);
    if (request.command === 'refused') throw new ListFailure(request.exitCode, request.message);
    return await session.perform(request);
  } catch (error) {
    return report(error, io.stderr);
  } finally {
    session.close();
  }
}

const LIST_ALL: IpvsadmRequest = {
  command: 'table',
  columns: 'normal',
  isExact: false,
  isNumeric: false,
  isSorted: true,
};

/** One run of the program: sockets, names that were looked up, and whether it is a restore. */
class Session {
  readonly #io: IpvsadmIo;
  readonly #program: string;
  readonly #listing: IpvsListing;
  readonly #changes: GenericSocket;
  readonly #lookups = new SystemLookups();
  #version: IpvsVersion | undefined;
  #isRestoring = false;
  #batch: number | undefined;

  constructor(io: IpvsadmIo, program: string) {
    this.#io = io;
    this.#program = program;
    const options = namespaceOf(io);
    this.#listing = new IpvsListing(options);
    this.#changes = new GenericSocket(IPVS_GENL_NAME, options);
  }

  /** @throws ListFailure where the kernel has no IPVS */
  async open(): Promise<void> {
    this.#version = await this.#listing.version().catch(explainMissing);
  }

  parse(words: readonly string[]): IpvsadmRequest | Refusal {
    return requestFrom(readOptions(words), this.#lookups, this.#program);
  }

  /** @returns the exit code @throws ListFailure, KernelError */
  async perform(request: IpvsadmRequest): Promise<number> {
    const { stdout } = this.#io;
    if (isChange(request)) return this.#change(request);
    switch (request.command) {
      case 'help':
        stdout.write(usage(this.#program));
        return 0;
      case 'version':
        stdout.write(VERSION_LINE);
        return 0;
      case 'restore':
        return this.#restore();
      default: {
        const { connectionTable } = this.#io;
        await printListing(request, {
          listing: this.#listing,
          version: this.#version!,
          write: (text) => void stdout.write(text),
          ...(connectionTable !== undefined && { connectionTable }),
        });
        return 0;
      }
    }
  }

  close(): void {
    this.#listing.close();
    this.#changes.close();
  }

  async #change(change: ChangeRequest): Promise<number> {
    const [errno = 0] = await this.#execute([change]);
    if (errno === 0) return 0;
    this.#io.stderr.write(`${refusalText(change.command, errno)}\n`);
    return REFUSED;
  }

  async #execute(changes: readonly ChangeRequest[]): Promise<readonly number[]> {
    if (changes.some((change) => 'service' in change && isMaglev(change.service))) {
      this.#batch = MH_BATCH;
    }
    const messages = changes.map((change): Encode => (out, head) => {
      encodeChange(out, head, change);
    });
    const outcomes = await this.#changes.execute(messages, this.#batch);
    return outcomes.map(({ errno }) => errno);
  }

  async #restore(): Promise<number> {
    if (this.#isRestoring) {
      const { exitCode, message } = refusedWithHint(this.#program);
      throw new ListFailure(exitCode, message);
    }
    this.#isRestoring = true;
    const { stderr, stdin = standardInput() } = this.#io;
    return restore(stdin, {
      parse: (words) => this.parse(words),
      execute: (changes) => this.#execute(changes),
      perform: (request) => this.perform(request),
      complain: (line, text) => void stderr.write(`line ${line}: ${text}\n`),
      refusalText: ({ command }, errno) => refusalText(command, errno),
    });
  }
}

function isMaglev(service: object | undefined): boolean {
  return service !== undefined && 'scheduler' in service && service.scheduler === 'mh';
}

function namespaceOf({ networkNamespacePath }: IpvsadmIo): NamespaceOptions {
  return networkNamespacePath === undefined ? {} : { networkNamespacePath };
}

function standardInput(): AsyncIterable<string> {
  process.stdin.setEncoding('utf8');
  return process.stdin as AsyncIterable<string>;
}

/** The two lines of ipvsadm, and the kernel's own account in place of a guess. */
export function explainMissing(error: unknown): never {
  if (!(error instanceof KernelError)) throw error;
  const reason = isNotPermitted(error)
    ? 'Permission denied (you must be root)'
    : hasCode(error, 'ENOENT')
      ? 'Protocol not available'
      : error.message;
  throw new ListFailure(
    2,
    `Can't initialize ipvs: ${reason}\n` +
      'Are you sure that IP Virtual Server is built in the kernel or as module?',
  );
}

/**
 * What was foreseen, told. By their names and not by their classes: the bundle has two copies of a
 * module that its parts share (packaging/bundle/bundle.ts).
 *
 * @returns the exit code
 */
export function report(error: unknown, stderr: Writer): number {
  const { name } = error as Error;
  if (name !== 'ListFailure' && name !== 'KernelError') throw error;
  stderr.write(`${(error as Error).message}\n`);
  return name === 'ListFailure' ? (error as ListFailure).exitCode : 1;
}
