import { expect, test } from '@jest/globals';
import {
  PROXY_GATES,
  gateWarnings,
  isGateOn,
  wrongGates,
} from '../../../src/config/featureGates.ts';
import { GATE_GROUPS } from '../../../src/config/featureGateTable.ts';

test('every gate stands once, and those of a proxy are among them', () => {
  const names = GATE_GROUPS.flatMap((group) => group.names);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining([...PROXY_GATES]));
});

test.each([
  ['a gate of another program', { GracefulNodeShutdown: false }],
  ['a locked gate at its value', { PreferSameTrafficDistribution: true }],
  ['all of a stage', { AllBeta: false }],
])('%s is taken', (_, gates: object) => {
  expect(wrongGates(gates as Record<string, boolean>)).toBeUndefined();
});

test.each<[Record<string, boolean>, string]>([
  [{ SupportIPVSProxyMode: true }, 'SupportIPVSProxyMode is unknown'],
  [{ ContextualLoging: true }, 'ContextualLoging is unknown (did you mean ContextualLogging?)'],
  [{ PreferSameTrafficDistribution: false }, 'PreferSameTrafficDistribution is locked to true'],
  [{ KubeProxyIPVS: false }, 'KubeProxyIPVS=false forbids the mode ipvs'],
])('%j is refused: %s', (gates, wrong) => {
  expect(wrongGates(gates)).toContain(wrong);
  expect(wrongGates(gates)).toContain('Those of a proxy are AllAlpha, AllBeta, Allow');
});

test('a gate is on by itself, else by its stage, else by default', () => {
  expect(isGateOn({}, 'LoggingAlphaOptions')).toBe(false);
  expect(isGateOn({ AllAlpha: true }, 'LoggingAlphaOptions')).toBe(true);
  expect(isGateOn({ AllAlpha: true, LoggingAlphaOptions: false }, 'LoggingAlphaOptions')).toBe(
    false,
  );
  expect(isGateOn({ AllBeta: false }, 'ComponentFlagz')).toBe(false);
  expect(isGateOn({ AllBeta: false }, 'AllowServiceExternalIPs')).toBe(true);
});

test('gates on their way out are named', () => {
  expect(gateWarnings({ KubeProxyIPVS: true, ComponentFlagz: true })).toEqual([
    'feature gates that a later release will refuse as unknown: KubeProxyIPVS',
  ]);
  expect(gateWarnings({ ComponentFlagz: true })).toEqual([]);
});
