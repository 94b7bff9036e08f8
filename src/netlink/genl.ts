/**
 * Generic netlink: the 4-byte header behind the message header, and the controller that tells a
 * family's number by its name. The families' own commands are elsewhere (ipvs.ts).
 */
import { beginAttribute, endAttribute, putString, putU16, putU32 } from './attributes.ts';
import type { AttributeCursor } from './attributes.ts';
import { type ByteWriter, DecodeError } from '../net/bytes.ts';
import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_HDRSIZE,
  CTRL_ATTR_MAXATTR,
  CTRL_ATTR_MCAST_GRP_ID,
  CTRL_ATTR_MCAST_GRP_NAME,
  CTRL_ATTR_MCAST_GROUPS,
  CTRL_ATTR_OP_FLAGS,
  CTRL_ATTR_OP_ID,
  CTRL_ATTR_OPS,
  CTRL_ATTR_VERSION,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
} from './constants.ts';
import { beginMessage, endMessage, type MessageCursor, type MessageHead } from './message.ts';

export const GENERIC_HEADER_BYTES = 4;

/** IPVS and the controller are both at version 1, and neither looks at it. */
const VERSION = 1;

/** @returns where the message starts, for endMessage */
export function beginGeneric(out: ByteWriter, head: MessageHead, command: number): number {
  const start = beginMessage(out, head);
  out.u8(command);
  out.u8(VERSION);
  out.u16(0);
  return start;
}

/** The command of the current message. */
export function genericCommand(message: MessageCursor): number {
  if (message.end - message.start < GENERIC_HEADER_BYTES) {
    throw new DecodeError('message without a generic netlink header');
  }
  return message.reader.u8(message.start);
}

export interface GenericFamily {
  /** dynamic: it changes when the module is loaded again */
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly headerBytes: number;
  readonly maxAttribute: number;
  /** command → GENL_CMD_CAP_* flags */
  readonly operations: ReadonlyMap<number, number>;
  /** multicast group name → number */
  readonly groups: ReadonlyMap<string, number>;
}

/** Also loads the family's module where the kernel can. @param head type GENL_ID_CTRL */
export function encodeGetFamily(out: ByteWriter, head: MessageHead, name: string): void {
  const start = beginGeneric(out, head, CTRL_CMD_GETFAMILY);
  putString(out, CTRL_ATTR_FAMILY_NAME, name);
  endMessage(out, start);
}

/** @returns the name that a GETFAMILY asks for */
export function decodeGetFamily(message: MessageCursor): string {
  const attributes = message.attributes(GENERIC_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === CTRL_ATTR_FAMILY_NAME) return attributes.string();
  }
  throw new DecodeError('family request without a name');
}

/** What the kernel answers to {@link encodeGetFamily}; tests play the kernel with it. */
export function encodeFamily(out: ByteWriter, head: MessageHead, family: GenericFamily): void {
  const start = beginGeneric(out, head, CTRL_CMD_NEWFAMILY);
  putString(out, CTRL_ATTR_FAMILY_NAME, family.name);
  putU16(out, CTRL_ATTR_FAMILY_ID, family.id);
  putU32(out, CTRL_ATTR_VERSION, family.version);
  putU32(out, CTRL_ATTR_HDRSIZE, family.headerBytes);
  putU32(out, CTRL_ATTR_MAXATTR, family.maxAttribute);
  const operations = beginAttribute(out, CTRL_ATTR_OPS);
  [...family.operations].forEach(([id, flags], index) => {
    const operation = beginAttribute(out, index + 1);
    putU32(out, CTRL_ATTR_OP_ID, id);
    putU32(out, CTRL_ATTR_OP_FLAGS, flags);
    endAttribute(out, operation);
  });
  endAttribute(out, operations);
  const groups = beginAttribute(out, CTRL_ATTR_MCAST_GROUPS);
  [...family.groups].forEach(([name, id], index) => {
    const group = beginAttribute(out, index + 1);
    putString(out, CTRL_ATTR_MCAST_GRP_NAME, name);
    putU32(out, CTRL_ATTR_MCAST_GRP_ID, id);
    endAttribute(out, group);
  });
  endAttribute(out, groups);
  endMessage(out, start);
}

export function decodeFamily(message: MessageCursor): GenericFamily {
  if (genericCommand(message) !== CTRL_CMD_NEWFAMILY) {
    throw new DecodeError(`controller reply with command ${genericCommand(message)}`);
  }
  const family = { name: '', version: 0, headerBytes: 0, maxAttribute: 0 };
  let id: number | undefined;
  const operations = new Map<number, number>();
  const groups = new Map<string, number>();
  const attributes = message.attributes(GENERIC_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === CTRL_ATTR_FAMILY_ID) id = attributes.u16();
    if (attributes.type === CTRL_ATTR_FAMILY_NAME) family.name = attributes.string();
    if (attributes.type === CTRL_ATTR_VERSION) family.version = attributes.u32();
    if (attributes.type === CTRL_ATTR_HDRSIZE) family.headerBytes = attributes.u32();
    if (attributes.type === CTRL_ATTR_MAXATTR) family.maxAttribute = attributes.u32();
    if (attributes.type === CTRL_ATTR_OPS) addOperations(operations, attributes.nested());
    if (attributes.type === CTRL_ATTR_MCAST_GROUPS) addGroups(groups, attributes.nested());
  }
  if (id === undefined) throw new DecodeError('family reply without a number');
  return { id, ...family, operations, groups };
}

function addOperations(operations: Map<number, number>, list: AttributeCursor): void {
  while (list.next()) {
    const attributes = list.nested();
    let id = 0;
    let flags = 0;
    while (attributes.next()) {
      if (attributes.type === CTRL_ATTR_OP_ID) id = attributes.u32();
      if (attributes.type === CTRL_ATTR_OP_FLAGS) flags = attributes.u32();
    }
    operations.set(id, flags);
  }
}

function addGroups(groups: Map<string, number>, list: AttributeCursor): void {
  while (list.next()) {
    const attributes = list.nested();
    let name = '';
    let id = 0;
    while (attributes.next()) {
      if (attributes.type === CTRL_ATTR_MCAST_GRP_NAME) name = attributes.string();
      if (attributes.type === CTRL_ATTR_MCAST_GRP_ID) id = attributes.u32();
    }
    groups.set(name, id);
  }
}
