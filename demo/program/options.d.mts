export const usage: string;
export class UsageError extends Error {}
export function parseOptions(argv: readonly string[]): {
  api: boolean;
  keep: boolean;
  help: boolean;
};
