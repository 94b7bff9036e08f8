// Two texts side by side.

/** A title and what stands under it. */
export type TitledText = readonly [title: string, text: string];

/**
 * @param width columns there are; where they are too few, one text stands below the other
 * @returns lines; those of the two texts that differ have ≠ between them
 */
export function besides(
  [title1, text1]: TitledText,
  [title2, text2]: TitledText,
  width: number,
): string {
  const left = linesOf(text1);
  const right = linesOf(text2);
  const widest = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));
  const leftWidth = widest([title1, ...left]);
  if (leftWidth + widest([title2, ...right]) + 3 > width) {
    return [`${title1}:`, ...left, '', `${title2}:`, ...right].join('\n');
  }
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [a, b] = [left[i], right[i]];
    return `${(a ?? '').padEnd(leftWidth)} ${a === b ? '│' : '≠'} ${b ?? ''}`;
  });
  return [`${title1.padEnd(leftWidth)} │ ${title2}`, ...rows].join('\n');
}

function linesOf(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}
