/**
 * A kernel with generic netlink and IPVS in memory, behind the function that opens sockets: it
 * executes messages in order, answers as the real one does (an acknowledgement only where asked
 * for, an error always), refuses with the real one's numbers, and can lose answers or change its
 * family number. What it may be wrong about is checked by test/kernel against the real thing.
 */
import { constants } from 'node:os';
import { joinHostPort } from '../../../src/net/address.ts';
import { ByteWriter } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { decodeGetFamily, encodeFamily, genericCommand } from '../../../src/netlink/genl.ts';
import type { IpvsDestination, IpvsService, ServiceIdentity } from '../../../src/netlink/ipvs.ts';
import {
  decodeDestination,
  decodeDestinationIdentity,
  decodeService,
  decodeServiceIdentity,
} from '../../../src/netlink/ipvsReplies.ts';
import {
  encodeNewDestination,
  encodeNewService,
  encodeVersion,
} from '../../../src/netlink/ipvsRequests.ts';
import {
  beginMessage,
  endMessage,
  MessageCursor,
  type MessageHead,
} from '../../../src/netlink/message.ts';
import type { OpenSocket, RawReplies, RawSocket } from '../../../src/kernel/addon.ts';
import { KernelError } from '../../../src/kernel/errors.ts';

const { EEXIST, ENOENT, EOPNOTSUPP, EPERM, ESRCH } = constants.errno;

interface Served {
  service: IpvsService;
  readonly destinations: Map<string, IpvsDestination>;
}

export class FakeIpvs {
  familyId = 28;
  isPermitted = true;
  readonly schedulers = new Set(['rr', 'wrr', 'sh', 'mh']);
  readonly served = new Map<string, Served>();
  /** number of messages in each send */
  readonly sends: number[] = [];
  /** of the next sends, executed but not answered */
  lostAnswers = 0;
  opened = 0;
  /** sockets that nobody has closed yet */
  openNow = 0;

  readonly open: OpenSocket = () => {
    this.opened += 1;
    this.openNow += 1;
    let isClosed = false;
    const socket: RawSocket = {
      transact: async (request) => {
        if (isClosed) throw new KernelError({ op: 'fake', errno: constants.errno.EBADF });
        return this.#transact(request);
      },
      receive: () => Promise.reject(new Error('IPVS sends no notifications')),
      joinGroup: () => undefined,
      close: () => {
        if (!isClosed) this.openNow -= 1;
        isClosed = true;
      },
    };
    return socket;
  };

  /**
   * `10.0.0.1:80/6 rr -> 10.1.0.1:8080 w1`, one line a destination, one alone for a service without
   * any; sorted
   */
  dump(): string[] {
    const lines: string[] = [];
    for (const [key, { service, destinations }] of this.served) {
      const head = `${key} ${service.scheduler}`;
      if (destinations.size === 0) lines.push(head);
      for (const [at, { weight }] of destinations) lines.push(`${head} -> ${at} w${weight}`);
    }
    return lines.toSorted();
  }

  setConnections(service: string, destination: string, active: number): void {
    const { destinations } = this.served.get(service)!;
    const found = destinations.get(destination)!;
    destinations.set(destination, { ...found, activeConnections: active });
  }

  #transact(request: Uint8Array): RawReplies {
    const out = new ByteWriter();
    const message = new MessageCursor(request);
    let count = 0;
    while (message.next()) {
      count += 1;
      this.#answer(out, message);
    }
    this.sends.push(count);
    const isOverrun = this.lostAnswers > 0;
    if (isOverrun) this.lostAnswers -= 1;
    return { bytes: isOverrun ? new Uint8Array() : out.written().slice(), isOverrun };
  }

  #answer(out: ByteWriter, message: MessageCursor): void {
    const head = { type: message.type, flags: c.NLM_F_MULTI, sequence: message.sequence };
    const isDump = (message.flags & c.NLM_F_DUMP) === c.NLM_F_DUMP;
    const errno = this.#execute(out, message, head);
    if (isDump && errno === 0) putControl(out, c.NLMSG_DONE, message.sequence, 0);
    else if (errno !== 0 || (message.flags & c.NLM_F_ACK) !== 0) {
      putControl(out, c.NLMSG_ERROR, message.sequence, errno);
    }
  }

  #execute(out: ByteWriter, message: MessageCursor, head: MessageHead): number {
    if (message.type === c.GENL_ID_CTRL) return this.#lookUp(out, message, head);
    if (message.type !== this.familyId) return ENOENT;
    if (!this.isPermitted) return EPERM;
    const command = genericCommand(message);
    switch (command) {
      case c.IPVS_CMD_GET_SERVICE:
        if ((message.flags & c.NLM_F_DUMP) !== c.NLM_F_DUMP) break;
        for (const { service } of this.served.values()) encodeNewService(out, head, service);
        return 0;
      case c.IPVS_CMD_GET_INFO:
        encodeVersion(out, head, { version: 0x010201, connectionTableSize: 4096 });
        return 0;
      case c.IPVS_CMD_NEW_SERVICE:
      case c.IPVS_CMD_SET_SERVICE:
        return this.#putService(decodeService(message, 'without-counters'), command);
    }
    const identity = decodeServiceIdentity(message);
    const served = this.served.get(keyOf(identity));
    if (command === c.IPVS_CMD_GET_DEST) {
      for (const one of served?.destinations.values() ?? []) {
        encodeNewDestination(out, head, identity, one);
      }
      return 0;
    }
    if (served === undefined) return ESRCH;
    if (command === c.IPVS_CMD_GET_SERVICE) {
      encodeNewService(out, head, served.service);
      return 0;
    }
    if (command !== c.IPVS_CMD_DEL_SERVICE) return changeDestination(served, message, command);
    this.served.delete(keyOf(identity));
    return 0;
  }

  #lookUp(out: ByteWriter, message: MessageCursor, head: MessageHead): number {
    if (decodeGetFamily(message) !== c.IPVS_GENL_NAME) return ENOENT;
    const numbers = { id: this.familyId, version: 1, headerBytes: 0, maxAttribute: 6 };
    const family = { ...numbers, name: c.IPVS_GENL_NAME, operations: new Map(), groups: new Map() };
    encodeFamily(out, head, family);
    return 0;
  }

  #putService(service: IpvsService, command: number): number {
    const key = keyOf(service);
    const known = this.served.get(key);
    if (command === c.IPVS_CMD_NEW_SERVICE && known !== undefined) return EEXIST;
    if (command === c.IPVS_CMD_SET_SERVICE && known === undefined) return ESRCH;
    if (!this.schedulers.has(service.scheduler)) return ENOENT;
    const hashed = { ...service, flags: service.flags | c.IP_VS_SVC_F_HASHED };
    if (known !== undefined) known.service = hashed;
    else this.served.set(key, { service: hashed, destinations: new Map() });
    return 0;
  }
}

function changeDestination(served: Served, message: MessageCursor, command: number): number {
  const { family } = served.service;
  const at = decodeDestinationIdentity(message, family);
  const key = joinHostPort(at.address, at.port);
  const known = served.destinations.get(key);
  if (command === c.IPVS_CMD_NEW_DEST && known !== undefined) return EEXIST;
  if (command !== c.IPVS_CMD_NEW_DEST && known === undefined) return ENOENT;
  if (command === c.IPVS_CMD_DEL_DEST) {
    served.destinations.delete(key);
  } else if (command === c.IPVS_CMD_NEW_DEST || command === c.IPVS_CMD_SET_DEST) {
    const { activeConnections = 0, inactiveConnections = 0 } = known ?? {};
    const wanted = decodeDestination(message, family, 'without-counters');
    served.destinations.set(key, { ...wanted, activeConnections, inactiveConnections });
  } else {
    return EOPNOTSUPP;
  }
  return 0;
}

function keyOf(identity: ServiceIdentity): string {
  if (identity.fwmark !== undefined) return `fwmark:${identity.fwmark}`;
  return `${joinHostPort(identity.address, identity.port)}/${identity.protocol}`;
}

/**
 * A kernel that answers every message of a request by what `answer` appends; it has no
 * notifications.
 */
export function answering(answer: (message: MessageCursor, out: ByteWriter) => void): RawSocket {
  return {
    transact: async (request) => {
      const out = new ByteWriter();
      const message = new MessageCursor(request.slice());
      while (message.next()) answer(message, out);
      return { bytes: out.written().slice(), isOverrun: false };
    },
    receive: () => Promise.reject(new Error('not asked for')),
    joinGroup: () => undefined,
    close: () => undefined,
  };
}

/** The end of a dump, or the refusal to make one. */
export function putDumpEnd(out: ByteWriter, sequence: number, errno = 0): void {
  putControl(out, errno === 0 ? c.NLMSG_DONE : c.NLMSG_ERROR, sequence, errno);
}

/** Acknowledgement, error or end of a dump; the request's header is left blank. */
export function putControl(out: ByteWriter, type: number, sequence: number, errno: number): void {
  const start = beginMessage(out, { type, flags: c.NLM_F_CAPPED, sequence });
  out.i32(errno === 0 ? 0 : -errno);
  if (type === c.NLMSG_ERROR) out.zeros(16);
  endMessage(out, start);
}
