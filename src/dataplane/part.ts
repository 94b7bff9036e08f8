/**
 * What of a kernel is read by itself, so that it can be unknown by itself. There is one object for
 * each part, so that it can be a key; it prints as a person would name it.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import { familyOfSet } from './setNames.ts';
import type { TableName } from './tables.ts';

export type PartKind = 'virtual servers' | 'addresses' | 'ipset' | 'rules' | 'sysctl';

export class Part {
  static readonly #known = new Map<string, Part>();
  readonly kind: PartKind;
  /** of a set or a sysctl, '' of others */
  readonly name: string;
  /** `ipset KUBE-CLUSTER-IP`, `rules IPv4 nat` */
  readonly text: string;
  /**
   * whose Services stand on it: none on a sysctl, which is told of with its cure, and traffic
   * mostly flows without it
   */
  readonly families: readonly Family[];

  private constructor(kind: PartKind, name: string, text: string, families: readonly Family[]) {
    this.kind = kind;
    this.name = name;
    this.text = text;
    this.families = families;
  }

  static of(kind: PartKind, text: string, families: readonly Family[], name = ''): Part {
    const known = Part.#known.get(text);
    if (known !== undefined) return known;
    const part = new Part(kind, name, text, families);
    Part.#known.set(text, part);
    return part;
  }

  toString(): string {
    return this.text;
  }
}

export const SERVERS_PART = Part.of('virtual servers', 'virtual servers', FAMILIES);

/** With the device that carries them. */
export const ADDRESSES_PART = Part.of('addresses', 'addresses', FAMILIES);

/** @param name in the kernel */
export function setPart(name: string): Part {
  return Part.of('ipset', `ipset ${name}`, [familyOfSet(name)], name);
}

export function rulesPart(family: Family, table: TableName): Part {
  return Part.of('rules', `rules ${family} ${table}`, [family]);
}

export function sysctlPart(name: string): Part {
  return Part.of('sysctl', `sysctl ${name}`, [], name);
}
