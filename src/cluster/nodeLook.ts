/**
 * Which Nodes are others than known: a server gives all Nodes as the rows of a table, a hundredth
 * of what they are whole (docs/adr/0008), and these tell of Nodes that came, went, or changed their
 * first address. Only those are read whole, one by one. What a row does not have, a second address
 * or the range of pods of a Node that is known, a reading of all finds.
 */
import type { AddressClaims } from '../model/addressClaims.ts';
import { KINDS, pathOf } from '../model/kinds.ts';
import type { NodeResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';
import { isRecord } from './apiError.ts';
import { NOTHING_KNOWN } from './floor.ts';
import type { NodeFacts, NodeRow } from './nodeFacts.ts';
import type { ApiTransport } from './transport.ts';

/** By name; undefined: it has gone. */
export type NodeChanges = ReadonlyMap<string, NodeResource | undefined>;

/** Of all Nodes; reading more of them one by one would cost more than all at once. */
const MOST_CHANGED = 1 / 5;

export class NodeLook {
  readonly #transport: Pick<ApiTransport, 'getJson'>;
  readonly #nodeName: string;
  /** new Nodes, to which a controller may not have given their range of pods yet */
  readonly #young = new Set<string>();

  /** @param nodeName of this one, which is watched */
  constructor(transport: Pick<ApiTransport, 'getJson'>, nodeName: string) {
    this.#transport = transport;
    this.#nodeName = nodeName;
  }

  /** @returns undefined where all have to be read; @throws ApiError */
  async changes(facts: NodeFacts, signal: AbortSignal): Promise<NodeChanges | undefined> {
    const all = await this.#rows(signal);
    if (all === undefined) return undefined;
    const rows = all.filter(({ name }) => name !== this.#nodeName);
    const names = new Set(rows.map(({ name }) => name));
    const others = rows.filter((row) => !facts.isAs(row)).map(({ name }) => name);
    const again = [...this.#young].filter((name) => names.has(name));
    this.#young.clear();
    if (others.length > MOST_CHANGED * names.size) return undefined;
    const changes = new Map<string, NodeResource | undefined>();
    for (const name of facts.names()) if (!names.has(name)) changes.set(name, undefined);
    for (const name of new Set([...others, ...again])) {
      const node = await this.#node(name, signal);
      changes.set(name, node);
      if (node?.podCIDRs.length === 0 && !again.includes(name)) this.#young.add(name);
    }
    return changes;
  }

  /**
   * Those that have one of the addresses as their first; where there is no table nobody.
   *
   * @throws ApiError
   */
  async owners(claims: Pick<AddressClaims, 'has'>, signal: AbortSignal): Promise<NodeChanges> {
    const isAsked = (address: Address | undefined) => address !== undefined && claims.has(address);
    const rows = (await this.#rows(signal)) ?? [];
    const owners = rows.filter(
      ({ name, internalAddress, externalAddress }) =>
        name !== this.#nodeName && (isAsked(internalAddress) || isAsked(externalAddress)),
    );
    const found = new Map<string, NodeResource | undefined>();
    for (const { name } of owners) found.set(name, await this.#node(name, signal));
    return found;
  }

  async #rows(signal: AbortSignal): Promise<readonly NodeRow[] | undefined> {
    const query = { resourceVersion: NOTHING_KNOWN, includeObject: 'None' };
    const options = { signal, form: 'Table' } as const;
    return parseNodeTable(await this.#transport.getJson(pathOf(KINDS.Node), query, options));
  }

  /** Our role may list Nodes and not get them. */
  async #node(nodeName: string, signal: AbortSignal): Promise<NodeResource | undefined> {
    const query = KINDS.Node.selectors({ nodeName, needs: new Set() });
    const list = await this.#transport.getJson(pathOf(KINDS.Node), { ...query }, { signal });
    const items =
      isRecord(list) && Array.isArray(list['items']) ? (list['items'] as unknown[]) : [];
    return items.length === 0 ? undefined : KINDS.Node.slim(items[0]).object;
  }
}

/** @returns undefined of an answer that is no such table */
export function parseNodeTable(body: unknown): readonly NodeRow[] | undefined {
  const { kind, columnDefinitions, rows } = isRecord(body) ? body : {};
  if (kind !== 'Table' || !Array.isArray(columnDefinitions)) return undefined;
  const columns = columnDefinitions.map((each: unknown) => (isRecord(each) ? each['name'] : ''));
  const [name, internal, external] = ['Name', 'Internal-IP', 'External-IP'].map((column) =>
    columns.indexOf(column),
  ) as [number, number, number];
  if (name < 0 || internal < 0 || external < 0) return undefined;
  return (Array.isArray(rows) ? (rows as unknown[]) : []).flatMap((row) => {
    const cells = isRecord(row) && Array.isArray(row['cells']) ? (row['cells'] as unknown[]) : [];
    const address = (column: number) => parseSloppyAddress(String(cells[column]));
    if (typeof cells[name] !== 'string') return [];
    return {
      name: cells[name],
      internalAddress: address(internal),
      externalAddress: address(external),
    };
  });
}
