export const checkout: string;
export function findProgram(name: string): string | undefined;
export function say(text: string): void;
export function must(
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
  stdout?: 'inherit' | 'ignore',
): void;
