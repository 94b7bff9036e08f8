/**
 * What values make sense in `logging`; the options of the formats are alpha in kube-proxy, behind a
 * gate.
 *
 * @see k8s.io/component-base/logs/api/v1/options.go, Validate
 */
import { isGateOn } from './featureGates.ts';
import type { VmodulePattern } from './parseFlags.ts';
import { type Check, notNegative, positive, rule } from './rule.ts';

const format: Check = (value) =>
  value === 'text' || value === 'json' ? undefined : 'must be text or json';

const vmodule: Check = (value, { logging }) => {
  const patterns = value as readonly VmodulePattern[];
  if (patterns.length > 0 && logging.format !== 'text') {
    return `is for the format text only, and the format is ${logging.format}`;
  }
  const isBad = ({ filePattern }: VmodulePattern) => !/^[^=,]+$/.test(filePattern);
  return patterns.some(isBad)
    ? 'must hold patterns of file names, without equal sign or comma'
    : undefined;
};

const alpha: Check = (value, { featureGates }) => {
  const isUnset = value === false || Number.parseFloat(value as string) === 0;
  return isUnset || isGateOn(featureGates, 'LoggingAlphaOptions')
    ? undefined
    : 'needs the feature gate LoggingAlphaOptions, as in kube-proxy, and does nothing here; leave it out';
};

const options = (['text', 'json'] as const).flatMap((name) =>
  (['splitStream', 'infoBufferSize'] as const).map((option) => {
    const field = `logging.options.${name}.${option}`;
    return rule(field, field, alpha);
  }),
);

export const LOGGING_RULES = [
  rule('logging.format', 'logging.format', format),
  rule('logging.flushFrequency', 'logging.flushFrequency', positive),
  rule('logging.verbosity', 'logging.verbosity', notNegative),
  rule('logging.vmodule', 'logging.vmodule', vmodule),
  ...options,
];
