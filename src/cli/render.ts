/**
 * A value as JSON or YAML. Apart from the flag that asks for it, so that a plain listing does not
 * load the YAML library.
 */
import { formatYamlText } from '../config/yamlText.ts';

export function render(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : formatYamlText(value);
}
