import type { LabCommandLine } from './options.mjs';
export function commandScript(parts: {
  options: LabCommandLine;
  pathFirst: readonly string[];
  kernel: 'uml' | 'host';
}): string;
