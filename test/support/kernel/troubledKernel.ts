/**
 * A kernel in memory behind the product's own clients, whose parts go wrong when they are told to:
 * IPVS and the dummy device as netlink answers, sets, rules and sysctls as operations that fail the
 * way their programs do. Others work on it too, and it can be left by a process that dies in the
 * middle. What it may be wrong about is checked by test/kernel against the real thing.
 */
import { constants } from 'node:os';
import type { Clients } from '../../../src/kernel/dataplane.ts';
import type { OpenSocket, RawReplies } from '../../../src/kernel/addon.ts';
import type { DummyNews } from '../../../src/dataplane/dataplane.ts';
import { type Part, rulesPart } from '../../../src/dataplane/part.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import { DUMMY_DEVICE } from '../../../src/dataplane/state.ts';
import { ExecError, KernelError } from '../../../src/kernel/errors.ts';
import { IpvsClient } from '../../../src/kernel/ipvsClient.ts';
import { LinkClient } from '../../../src/kernel/linkClient.ts';
import type { Address } from '../../../src/net/address.ts';
import { ByteWriter } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { MessageCursor } from '../../../src/netlink/message.ts';
import type { Link } from '../../../src/netlink/rtnlLinks.ts';
import { FakeKernel } from './fakeKernel.ts';
import { FakeIpvs, putControl } from './fakeNetlink.ts';
import { FakeRtnl } from './fakeRtnl.ts';

const { EACCES, EBADF, EINTR, ENOBUFS, ENOMEM, EPERM, EROFS } = constants.errno;

/** What goes wrong at a netlink socket, by the name of what is seen there. */
export type SocketTrouble =
  /** send fails: nothing was executed */
  | 'ENOBUFS'
  | 'EINTR'
  /** each message is refused */
  | 'ENOMEM'
  | 'EPERM'
  /** executed, but no answer comes through */
  | 'lost answers'
  /** each dump says that it was interrupted */
  | 'interrupted dumps'
  /** answers break off in the middle */
  | 'half answers';

export const SOCKET_TROUBLES: readonly SocketTrouble[] = [
  'ENOBUFS',
  'EINTR',
  'ENOMEM',
  'EPERM',
  'lost answers',
  'interrupted dumps',
  'half answers',
];

const ERRNOS = { ENOBUFS, EINTR, ENOMEM, EPERM };

export interface Troubles {
  ipvs: SocketTrouble | undefined;
  links: SocketTrouble | undefined;
  /** the child dies in the middle of what it was given, having done the first half */
  isIpsetKilled: boolean;
  areSetsUnreadable: boolean;
  /** somebody holds /run/xtables.lock: nothing can be written, all can be read */
  isXtablesLocked: boolean;
  /** iptables-save of IPv4 fails */
  areRulesUnreadable: boolean;
  /** the table nat of IPv6 cannot be read */
  isTableUnreadable: boolean;
  isProcSysReadOnly: boolean;
  areSysctlsUnreadable: boolean;
}

export const NO_TROUBLES: Troubles = {
  ipvs: undefined,
  links: undefined,
  isIpsetKilled: false,
  areSetsUnreadable: false,
  isXtablesLocked: false,
  areRulesUnreadable: false,
  isTableUnreadable: false,
  isProcSysReadOnly: false,
  areSysctlsUnreadable: false,
};

interface DummyState {
  readonly device: Link | undefined;
  readonly bound: ReadonlySet<Address>;
}

export class TroubledKernel {
  readonly ipvs = new FakeIpvs();
  readonly rtnl = new FakeRtnl();
  /** of which sets, rules and sysctls are looked at */
  readonly others = new FakeKernel();
  troubles: Troubles = { ...NO_TROUBLES };
  /** netlink messages and lines that the present process may still have executed */
  #lifeLeft = Infinity;
  #life = 0;
  #news = new Map<Address, boolean>();
  #isDeviceGone = false;

  /** For a process that begins now; what an earlier one holds is dead from here on. */
  clients(): Clients {
    this.#life += 1;
    this.#lifeLeft = Infinity;
    const life = this.#life;
    return {
      ipvs: new IpvsClient(
        {},
        this.#troubled(life, this.ipvs.open, () => this.troubles.ipvs),
      ),
      links: new LinkClient(
        {},
        this.#troubled(life, this.rtnl.open, () => this.troubles.links),
      ),
      sets: this.#sets(life),
      rules: this.#rules(life),
      sysctls: this.#sysctls(life),
    };
  }

  /** After so many steps more the present process does nothing any more. */
  dieAfter(steps: number): void {
    this.#lifeLeft = steps;
  }

  /** Somebody works on it. */
  tamper(change: () => void): void {
    const before = this.#dummy();
    change();
    this.#note(before);
  }

  /** What the kernel has told of the dummy device since it was last asked. */
  takeNews(): DummyNews | undefined {
    if (this.#news.size === 0 && !this.#isDeviceGone) return undefined;
    const news = { addresses: this.#news, isDeviceGone: this.#isDeviceGone };
    this.#news = new Map();
    this.#isDeviceGone = false;
    return news;
  }

  /** on our device */
  get bound(): readonly Address[] {
    return [...this.#dummy().bound].toSorted();
  }

  #dummy(): DummyState {
    const device = this.rtnl.links.find(({ name }) => name === DUMMY_DEVICE);
    const on = this.rtnl.addresses.filter(({ index }) => index === device?.index);
    return { device, bound: new Set(on.map(({ address }) => address)) };
  }

  #note(before: DummyState): void {
    const now = this.#dummy();
    if (before.device !== undefined && now.device?.index !== before.device.index)
      this.#isDeviceGone = true;
    for (const address of new Set([...before.bound, ...now.bound])) {
      if (now.bound.has(address) !== before.bound.has(address))
        this.#news.set(address, now.bound.has(address));
    }
  }

  /** @returns whether a step of this process is still executed */
  #step(life: number): boolean {
    if (life !== this.#life || this.#lifeLeft <= 0) return false;
    this.#lifeLeft -= 1;
    return true;
  }

  #troubled(life: number, open: OpenSocket, trouble: () => SocketTrouble | undefined): OpenSocket {
    return (options) => {
      const socket = open(options);
      return {
        ...socket,
        transact: async (request, timeoutMs) => {
          if (!this.#step(life)) throw new KernelError({ op: 'a dead process', errno: EBADF });
          const before = this.#dummy();
          const replies = await answered(trouble(), request, () =>
            socket.transact(request, timeoutMs),
          );
          this.#note(before);
          return replies;
        },
      };
    };
  }

  async #perform(life: number, operation: Operation): Promise<Error | undefined> {
    if (!this.#step(life)) return killed(['a', 'dead process']);
    const { failed } = await this.others.apply([operation]);
    return failed[0]?.error;
  }

  #sets(life: number): Clients['sets'] {
    return {
      read: async (names) => {
        if (this.troubles.areSetsUnreadable)
          throw new KernelError({ op: 'list ipsets', errno: ENOMEM });
        const { ipsets } = await this.others.read([]);
        return new Map([...ipsets].filter(([name]) => names.includes(name)));
      },
      apply: async (run) => {
        const half = this.troubles.isIpsetKilled ? Math.ceil(run.length / 2) : run.length;
        const outcomes: (Error | undefined)[] = [];
        for (const [i, operation] of run.entries()) {
          const answer = i < half ? await this.#perform(life, operation) : undefined;
          // Of what was done before it died it has told nothing either.
          outcomes.push(this.troubles.isIpsetKilled ? killed(['ipset', '-']) : answer);
        }
        return { outcomes, kernelWrites: run.length };
      },
      close: async () => undefined,
    };
  }

  #rules(life: number): Clients['rules'] {
    return {
      read: async () => {
        const { iptables } = await this.others.read([]);
        return { ...iptables, unknown: this.#unreadableRules(), unconfirmed: new Map() };
      },
      apply: async (run) => {
        const outcomes: (Error | undefined)[] = [];
        for (const operation of run)
          outcomes.push(
            this.troubles.isXtablesLocked ? locked() : await this.#perform(life, operation),
          );
        return { outcomes, kernelWrites: run.length };
      },
    };
  }

  #unreadableRules(): ReadonlyMap<Part, Error> {
    const { areRulesUnreadable, isTableUnreadable } = this.troubles;
    const unknown = new Map<Part, Error>();
    const error = new ExecError({ argv: ['iptables-save'], exitCode: 1, stderr: 'no memory' });
    for (const table of ['nat', 'filter'] as const)
      if (areRulesUnreadable) unknown.set(rulesPart('IPv4', table), error);
    if (isTableUnreadable) unknown.set(rulesPart('IPv6', 'nat'), error);
    return unknown;
  }

  #sysctls(life: number): Clients['sysctls'] {
    return {
      read: async (names) => {
        if (this.troubles.areSysctlsUnreadable)
          throw new KernelError({ op: 'read sysctl', errno: EACCES });
        const { sysctls } = await this.others.read(names);
        return sysctls;
      },
      apply: async (run) => {
        const outcomes: (Error | undefined)[] = [];
        for (const operation of run)
          outcomes.push(
            this.troubles.isProcSysReadOnly
              ? new KernelError({ op: `set sysctl ${operation.name}`, errno: EROFS })
              : await this.#perform(life, operation),
          );
        return { outcomes, kernelWrites: run.length };
      },
    };
  }
}

async function answered(
  trouble: SocketTrouble | undefined,
  request: Uint8Array,
  transact: () => Promise<RawReplies>,
): Promise<RawReplies> {
  switch (trouble) {
    case 'ENOBUFS':
    case 'EINTR':
      throw new KernelError({ op: 'netlink send', errno: ERRNOS[trouble] });
    case 'ENOMEM':
    case 'EPERM':
      return refusal(request, ERRNOS[trouble]);
    case 'lost answers':
      await transact();
      return { bytes: new Uint8Array(), isOverrun: true };
    case 'interrupted dumps':
      return interrupted(await transact());
    case 'half answers': {
      const { bytes, isOverrun } = await transact();
      return { bytes: bytes.subarray(0, bytes.length >> 1), isOverrun };
    }
    default:
      return transact();
  }
}

function refusal(request: Uint8Array, errno: number): RawReplies {
  const out = new ByteWriter();
  const message = new MessageCursor(request.slice());
  while (message.next()) putControl(out, c.NLMSG_ERROR, message.sequence, errno);
  return { bytes: out.written().slice(), isOverrun: false };
}

function interrupted({ bytes, isOverrun }: RawReplies): RawReplies {
  const marked = bytes.slice();
  const view = new DataView(marked.buffer);
  // struct nlmsghdr: length, type, flags
  for (
    let at = 0;
    at + 16 <= marked.length;
    at += Math.max(16, (view.getUint32(at, true) + 3) & ~3)
  ) {
    const flags = view.getUint16(at + 6, true);
    const isOfDump = (flags & c.NLM_F_MULTI) !== 0 || view.getUint16(at + 4, true) === c.NLMSG_DONE;
    if (isOfDump) view.setUint16(at + 6, flags | c.NLM_F_DUMP_INTR, true);
  }
  return { bytes: marked, isOverrun };
}

function killed(argv: readonly [string, ...string[]]): ExecError {
  return new ExecError({ argv, stderr: 'ended (SIGKILL) with answers due' });
}

function locked(): ExecError {
  const stderr = 'Another app is currently holding the xtables lock';
  return new ExecError({ argv: ['iptables-restore'], exitCode: 4, stderr });
}
