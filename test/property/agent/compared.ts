/** What two collections have not in common, in words. */
export function compared(
  what: string,
  actual: Iterable<string>,
  wanted: Iterable<string>,
): readonly string[] {
  const [is, must] = [new Set(actual), new Set(wanted)];
  return [
    ...[...must].filter((each) => !is.has(each)).map((each) => `${what} is missing: ${each}`),
    ...[...is].filter((each) => !must.has(each)).map((each) => `${what} is too much: ${each}`),
  ];
}
