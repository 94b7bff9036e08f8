export interface LabCommandLine {
  help: boolean;
  timeoutSec: number;
  env: string[];
  netns?: string;
  line?: boolean;
  tty: boolean;
  kernel?: 'uml' | 'host';
  memory: string;
  quiet: boolean;
  command: string[];
}
export class UsageError extends Error {}
export function parseOptions(argv: readonly string[]): LabCommandLine;
