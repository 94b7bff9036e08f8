/**
 * A kernel's devices and addresses in memory, behind the function that opens sockets, as far as
 * LinkClient asks: it makes and deletes dummy devices, binds and unbinds, lists, and refuses with
 * the real one's numbers. test/kernel/links asks the real one the same.
 */
import { constants } from 'node:os';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import * as c from '../../../src/netlink/constants.ts';
import type { MessageCursor } from '../../../src/netlink/message.ts';
import {
  decodeAddress,
  encodeAddress,
  type InterfaceAddress,
} from '../../../src/netlink/rtnlAddresses.ts';
import { decodeLink, encodeLink, type Link } from '../../../src/netlink/rtnlLinks.ts';
import type { ByteWriter } from '../../../src/net/bytes.ts';
import { answering, putControl, putDumpEnd } from './fakeNetlink.ts';

const { EADDRNOTAVAIL, EEXIST, ENODEV } = constants.errno;

export class FakeRtnl {
  readonly links: Link[] = [];
  readonly addresses: InterfaceAddress[] = [];
  /** changes that were asked for, by their numbers in rtnetlink.h */
  readonly changes: number[] = [];
  dumps = 0;
  /** how often a device was asked for by its name */
  looks = 0;
  /** a change that is refused, by the address it is about; `link` for those of devices */
  readonly refusals = new Map<string, number>();
  /** as a kernel without IPv6, or one before strict checking: dumps list everything */
  ignoresFilters = false;

  /** as a kernel gives them: none twice */
  #nextIndex = 2;

  readonly open: OpenSocket = () => answering((message, out) => this.#answer(message, out));

  /** `10.96.0.1/32`, in the order they were bound */
  get bound(): readonly string[] {
    return this.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  }

  add(name: string, kind: string): Link {
    const index = this.#nextIndex++;
    const link: Link = { index, name, kind, flags: 0, hardwareType: 1 };
    this.links.push(link);
    return link;
  }

  #answer(message: MessageCursor, out: ByteWriter): void {
    const { type, sequence } = message;
    switch (type) {
      case c.RTM_GETLINK:
        return this.#putLink(message, out);
      case c.RTM_GETADDR:
        return this.#putAddresses(message, out);
      default:
        this.changes.push(type);
        putControl(out, c.NLMSG_ERROR, sequence, this.#change(message));
    }
  }

  #putLink(message: MessageCursor, out: ByteWriter): void {
    this.looks += 1;
    const { name } = decodeLink(message);
    const link = this.links.find((each) => each.name === name);
    if (link === undefined) return putControl(out, c.NLMSG_ERROR, message.sequence, ENODEV);
    encodeLink(out, { type: c.RTM_NEWLINK, flags: 0, sequence: message.sequence }, link);
    if ((message.flags & c.NLM_F_ACK) !== 0) putControl(out, c.NLMSG_ERROR, message.sequence, 0);
  }

  #putAddresses(message: MessageCursor, out: ByteWriter): void {
    this.dumps += 1;
    const family = message.reader.u8(message.start) === c.AF_INET ? 'IPv4' : 'IPv6';
    const index = message.reader.u32(message.start + 4);
    const head = { type: c.RTM_NEWADDR, flags: c.NLM_F_MULTI, sequence: message.sequence };
    for (const one of this.addresses) {
      const isAsked = one.family === family && one.index === index;
      if (isAsked || this.ignoresFilters) encodeAddress(out, head, one);
    }
    putDumpEnd(out, message.sequence);
  }

  #change(message: MessageCursor): number {
    const isOfLink = message.type === c.RTM_NEWLINK || message.type === c.RTM_DELLINK;
    if (isOfLink) return this.refusals.get('link') ?? this.#changeLink(message);
    const address = decodeAddress(message);
    const refusal = this.refusals.get(address.address);
    return refusal ?? this.#changeAddress(message, address);
  }

  #changeLink(message: MessageCursor): number {
    const { name, kind, index } = decodeLink(message);
    if (message.type === c.RTM_NEWLINK) {
      if (this.links.some((each) => each.name === name)) return EEXIST;
      this.add(name, kind ?? '');
      return 0;
    }
    const at = this.links.findIndex((each) => each.index === index);
    if (at < 0) return ENODEV;
    this.links.splice(at, 1);
    this.addresses.length = 0;
    return 0;
  }

  #changeAddress(message: MessageCursor, wanted: InterfaceAddress): number {
    const isExclusive = (message.flags & c.NLM_F_EXCL) !== 0;
    const at = this.addresses.findIndex(
      ({ address, prefixLength, index }) =>
        address === wanted.address &&
        prefixLength === wanted.prefixLength &&
        index === wanted.index,
    );
    if (message.type === c.RTM_NEWADDR) {
      if (at >= 0) return isExclusive ? EEXIST : 0;
      this.addresses.push(wanted);
      return 0;
    }
    if (at < 0) return EADDRNOTAVAIL;
    this.addresses.splice(at, 1);
    return 0;
  }
}
