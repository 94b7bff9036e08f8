/**
 * The dummy device kube-ipvs0 and the addresses on it, over rtnetlink. The device stays down: its
 * addresses are local all the same, while up it would get addresses of its own and going down again
 * would lose the IPv6 ones. Folded here: adding the present, removing the missing. Which addresses
 * are bound is decided in desired/.
 */
import { constants } from 'node:os';
import type { DummyState } from '../dataplane/dataplane.ts';
import { DUMMY_DEVICE } from '../dataplane/state.ts';
import { type Address, familyOf, isLinkLocal } from '../net/address.ts';
import { FAMILIES } from '../net/family.ts';
import { addressBits } from '../net/prefix.ts';
import * as c from '../netlink/constants.ts';
import {
  type AddressRequest,
  decodeAddress,
  encodeDeleteAddress,
  encodeDumpAddresses,
  encodeNewAddress,
  type InterfaceAddress,
} from '../netlink/rtnlAddresses.ts';
import {
  decodeLink,
  encodeDeleteLink,
  encodeGetLink,
  encodeNewDummy,
  type Link,
} from '../netlink/rtnlLinks.ts';
import type { Operation } from '../dataplane/operations.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode, KernelError } from './errors.ts';
import type { NamespaceOptions } from './genlFamily.ts';
import { type NetlinkRequest, NetlinkSocket, type Outcome } from './netlinkSocket.ts';

const { EACCES, EADDRNOTAVAIL, EEXIST, ENODEV, EOPNOTSUPP, EPERM } = constants.errno;

const CREATE_EXCLUSIVELY = c.NLM_F_CREATE | c.NLM_F_EXCL;

export type LinkOperation = Extract<
  Operation,
  { op: 'createDummyDevice' | 'bindAddress' | 'unbindAddress' }
>;
type AddressOperation = Exclude<LinkOperation, { op: 'createDummyDevice' }>;

export function isLinkOperation(operation: Operation): operation is LinkOperation {
  const { op } = operation;
  return op === 'createDummyDevice' || op === 'bindAddress' || op === 'unbindAddress';
}

export interface LinkReport {
  /** one an operation, in the order given; undefined = it holds now */
  readonly outcomes: readonly (KernelError | undefined)[];
  /** change messages sent */
  readonly kernelWrites: number;
}

export class LinkClient {
  readonly #socket: NetlinkSocket;
  #kernelWrites = 0;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    const strict = { ...options, protocol: c.NETLINK_ROUTE, strictCheck: true };
    this.#socket = new NetlinkSocket(strict, open);
  }

  /** @param known see Dataplane.read */
  async read(known?: ReadonlySet<Address>): Promise<DummyState> {
    const device = await this.#findDevice();
    if (device === undefined) return { hasDummyDevice: false, addresses: new Set() };
    const { index } = device;
    if (known !== undefined && (await this.#hasJust(known, index)))
      return { hasDummyDevice: true, addresses: known };
    const listed = await this.#listAddresses(index, ({ address }) => address);
    return { hasDummyDevice: true, addresses: new Set(listed) };
  }

  /** In the order given. Never throws for what the kernel refuses. */
  async apply(run: readonly LinkOperation[]): Promise<LinkReport> {
    const outcomes: (KernelError | undefined)[] = [];
    this.#kernelWrites = 0;
    for (const part of splitAtCreation(run)) {
      for (const outcome of await this.#applyPart(part)) outcomes.push(outcome);
    }
    return { outcomes, kernelWrites: this.#kernelWrites };
  }

  /** With everything bound to it; success when there is none. @throws KernelError */
  async deleteDevice(): Promise<void> {
    const device = await this.#findDevice();
    if (device === undefined) return;
    const { index } = device;
    const { errno, extack } = await this.#change({
      encode: (out, head) => {
        encodeDeleteLink(out, head, { index });
      },
    });
    if (errno === 0 || errno === ENODEV) return;
    throw new KernelError({ op: `delete device ${DUMMY_DEVICE}`, errno, extack });
  }

  close(): void {
    this.#socket.close();
  }

  async #applyPart(part: readonly LinkOperation[]): Promise<(KernelError | undefined)[]> {
    const [first] = part;
    try {
      if (first?.op === 'createDummyDevice') {
        await this.#createDevice();
        return [undefined];
      }
      return await this.#applyAddresses(part as readonly AddressOperation[]);
    } catch (error) {
      return part.map((operation) => failed(operation, error));
    }
  }

  async #createDevice(): Promise<void> {
    const op = `create device ${DUMMY_DEVICE}`;
    const { errno, extack } = await this.#change({
      flags: CREATE_EXCLUSIVELY,
      encode: (out, head) => {
        encodeNewDummy(out, head, DUMMY_DEVICE);
      },
    });
    if (errno === 0) return;
    if (errno !== EEXIST) {
      const hint = errno === EOPNOTSUPP ? 'load or install the kernel module dummy' : undefined;
      throw new KernelError({ op, errno, extack, hint: hint ?? permissionHint(errno) });
    }
    // Throws when what has the name is not a dummy device.
    await this.#findDevice();
  }

  async #applyAddresses(run: readonly AddressOperation[]): Promise<(KernelError | undefined)[]> {
    const device = await this.#findDevice();
    if (device === undefined) return run.map(withoutDevice);
    const { index } = device;
    this.#kernelWrites += run.length;
    const answers = await this.#socket.execute(run.map((one) => toRequest(one, index)));
    const unfound = run.filter(
      ({ op }, i) => op === 'unbindAddress' && answers[i]!.errno === EADDRNOTAVAIL,
    );
    await this.#unbindOtherLengths(index, unfound);
    return run.map((operation, i) => outcomeOf(operation, answers[i]!));
  }

  /**
   * The prefix length is part of an address's key, and somebody may have bound ours with another
   * one by hand.
   */
  async #unbindOtherLengths(index: number, unfound: readonly AddressOperation[]): Promise<void> {
    if (unfound.length === 0) return;
    const wanted = new Set(unfound.map(({ address }) => address));
    const listed = await this.#listAddresses(index, (found) => found);
    const odd = listed.filter(
      ({ address, family, prefixLength }) =>
        wanted.has(address) && prefixLength !== addressBits(family),
    );
    this.#kernelWrites += odd.length;
    await this.#socket.execute(
      odd.map(({ address, prefixLength }) => ({
        encode: (out, head) => {
          encodeDeleteAddress(out, head, { index, address, prefixLength });
        },
      })),
    );
  }

  /**
   * @returns undefined when there is none; @throws KernelError when a device of another kind has
   * its name
   */
  async #findDevice(): Promise<Link | undefined> {
    const op = `look up device ${DUMMY_DEVICE}`;
    const request: NetlinkRequest = {
      encode: (out, head) => {
        encodeGetLink(out, head, { name: DUMMY_DEVICE });
      },
    };
    let link: Link;
    try {
      link = await this.#socket.get(op, request, decodeLink);
    } catch (error) {
      if (hasCode(error, 'ENODEV')) return undefined;
      throw error;
    }
    if (link.kind === 'dummy') return link;
    const hint = `it is a device of kind ${link.kind ?? 'hardware'}: rename or remove it`;
    throw new KernelError({ op, errno: EEXIST, hint });
  }

  /** Remembers of each address only whether it is known. */
  async #hasJust(known: ReadonlySet<Address>, index: number): Promise<boolean> {
    const areKnown = await this.#listAddresses(index, ({ address }) => known.has(address));
    return areKnown.length === known.size && areKnown.every(Boolean);
  }

  /** @param keep what of each; not undefined */
  async #listAddresses<T>(
    index: number,
    keep: (found: InterfaceAddress) => T,
  ): Promise<readonly T[]> {
    const lists = await this.#socket.dump(
      `list addresses of ${DUMMY_DEVICE}`,
      FAMILIES.map((family) => ({
        encode: (out, head) => {
          encodeDumpAddresses(out, head, { family, index });
        },
      })),
      (message, i) => {
        const found = decodeAddress(message);
        // A kernel without IPv6 answers its dump with everything it has.
        const isOurs = found.family === FAMILIES[i] && found.index === index && !isAutomatic(found);
        return isOurs ? keep(found) : undefined;
      },
    );
    return lists.flat();
  }

  async #change(request: NetlinkRequest): Promise<Outcome> {
    this.#kernelWrites += 1;
    const [outcome] = await this.#socket.execute([request]);
    return outcome!;
  }
}

function isAutomatic({ address, family, prefixLength }: InterfaceAddress): boolean {
  return family === 'IPv6' && isLinkLocal(address) && prefixLength !== addressBits(family);
}

/** Creation alone, for what follows needs the device's index; the rest in one go. */
function splitAtCreation(run: readonly LinkOperation[]): LinkOperation[][] {
  const parts: LinkOperation[][] = [];
  let open: LinkOperation[] | undefined;
  for (const operation of run) {
    if (operation.op === 'createDummyDevice') {
      parts.push([operation]);
      open = undefined;
    } else if (open === undefined) {
      open = [operation];
      parts.push(open);
    } else {
      open.push(operation);
    }
  }
  return parts;
}

function toRequest({ op, address }: AddressOperation, index: number): NetlinkRequest {
  const family = familyOf(address);
  const request: AddressRequest = {
    index,
    address,
    prefixLength: addressBits(family),
    // No duplicate detection: every node has this address, and a device that is down could not ask.
    flags: family === 'IPv6' ? c.IFA_F_NODAD : 0,
  };
  if (op === 'bindAddress') {
    return {
      flags: CREATE_EXCLUSIVELY,
      encode: (out, head) => {
        encodeNewAddress(out, head, request);
      },
    };
  }
  return {
    encode: (out, head) => {
      encodeDeleteAddress(out, head, request);
    },
  };
}

function outcomeOf(operation: AddressOperation, { errno, extack }: Outcome) {
  const folded = operation.op === 'bindAddress' ? EEXIST : EADDRNOTAVAIL;
  if (errno === 0 || errno === folded) return undefined;
  const hint =
    errno === EACCES && familyOf(operation.address) === 'IPv6'
      ? `IPv6 is disabled there: net.ipv6.conf.${DUMMY_DEVICE}.disable_ipv6`
      : permissionHint(errno);
  return new KernelError({ op: describe(operation), errno, extack, hint });
}

function permissionHint(errno: number): string | undefined {
  return errno === EPERM ? 'it takes CAP_NET_ADMIN' : undefined;
}

/** Nothing can be bound then, and everything is unbound. */
function withoutDevice(operation: AddressOperation): KernelError | undefined {
  if (operation.op === 'unbindAddress') return undefined;
  const hint = `device ${DUMMY_DEVICE} does not exist`;
  return new KernelError({ op: describe(operation), errno: ENODEV, hint });
}

function failed(operation: LinkOperation, cause: unknown): KernelError {
  const errno = cause instanceof KernelError ? cause.errno : constants.errno.EPROTO;
  const hint = cause instanceof Error ? cause.message : String(cause);
  return new KernelError({ op: describe(operation), errno, hint, cause });
}

function describe(operation: LinkOperation): string {
  if (operation.op === 'createDummyDevice') return `create device ${DUMMY_DEVICE}`;
  const verb = operation.op === 'bindAddress' ? 'bind' : 'unbind';
  return `${verb} address ${operation.address}`;
}
