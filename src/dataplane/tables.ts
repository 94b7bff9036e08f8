/** The tables of iptables, and what is ours in them. */

/** In the order in which a packet meets them. */
export const TABLES = ['raw', 'mangle', 'nat', 'filter'] as const;

export type TableName = (typeof TABLES)[number];

/**
 * Chain → rules as `iptables-save` prints them (`-A CHAIN …`), in order; under built-in chains our
 * jumps only.
 */
export type Chains = ReadonlyMap<string, readonly string[]>;

/**
 * One family's. Every proxy uses `nat` and `filter`; a table that is missing is neither read nor
 * written.
 */
export type Tables<T = Chains> = Readonly<Record<'nat' | 'filter', T>> &
  Readonly<Partial<Record<TableName, T>>>;

/** In the order of {@link TABLES}. */
export function tablesIn<T>(tables: Tables<T>): readonly (readonly [TableName, T])[] {
  return TABLES.flatMap((name) => {
    const table = tables[name];
    return table === undefined ? [] : [[name, table] as const];
  });
}

/** The same tables with something else in each. */
export function mapTables<T, U>(
  tables: Tables<T>,
  map: (table: T, name: TableName) => U,
): Tables<U> {
  const mapped = tablesIn(tables).map(([name, table]) => [name, map(table, name)] as const);
  return Object.fromEntries(mapped) as unknown as Tables<U>;
}
