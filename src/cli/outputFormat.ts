/** `-o text|json|yaml` of the commands that print state. */
import type { Flag } from '../config/flag.ts';
import type { FlagValues } from '../config/parseFlags.ts';
import { suggestion } from '../config/suggest.ts';
import type { Problem } from '../model/problem.ts';

export const OUTPUT_FORMATS = ['text', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const OUTPUT_FLAG: Flag = {
  name: 'output',
  shorthand: 'o',
  type: 'string',
  value: 'FORMAT',
  default: 'text',
  group: 'output',
  help: 'text, json or yaml',
};

export function outputFormat(values: FlagValues): {
  readonly format: OutputFormat;
  readonly problems: readonly Problem[];
} {
  const value = (values.get('output') ?? 'text') as string;
  const format = OUTPUT_FORMATS.find((each) => each === value);
  if (format) return { format, problems: [] };
  const problem = `must be one of ${OUTPUT_FORMATS.join(', ')}${suggestion(value, OUTPUT_FORMATS)}`;
  return { format: 'text', problems: [{ path: '--output', value, problem }] };
}
