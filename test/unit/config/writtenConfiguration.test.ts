import { expect, test } from '@jest/globals';
import {
  API_VERSION,
  KIND,
  decodeConfiguration,
} from '../../../src/config/kubeProxyConfiguration.ts';
import { writtenConfiguration } from '../../../src/config/writtenConfiguration.ts';
import { formatYamlText } from '../../../src/config/yamlText.ts';

const textOf = (document: object) =>
  formatYamlText(
    writtenConfiguration(
      decodeConfiguration({ apiVersion: API_VERSION, kind: KIND, ...document }).configuration!,
    ),
  );

test('members are sorted, empty lists are null, and what is optional and unset is left out', () => {
  const text = textOf({});
  expect(text).toMatch(
    /^apiVersion: [^\n]*\nbindAddress: 0\.0\.0\.0\nbindAddressHardFail: false\n/,
  );
  expect(text).toContain('nodePortAddresses: null\n');
  expect(text).toContain('  excludeCIDRs: null\n');
  expect(text).not.toMatch(/featureGates|vmodule|splitStream|windowsRunAsService/);
});

test('what is optional and set is there', () => {
  const text = textOf({
    featureGates: { AllBeta: false },
    windowsRunAsService: true,
    nodePortAddresses: ['primary'],
    logging: {
      vmodule: [{ filePattern: 'a', verbosity: 1 }],
      options: { text: { splitStream: true } },
    },
  });
  for (const line of [
    'featureGates:\n  AllBeta: false\n',
    'windowsRunAsService: true\n',
    'nodePortAddresses:\n  - primary\n',
    '  vmodule:\n    - filePattern: a\n      verbosity: 1\n',
    '    text:\n      infoBufferSize: "0"\n      splitStream: true\n',
  ]) {
    expect(text).toContain(line);
  }
});

test('what only other modes read is written as kube-proxy writes it in mode ipvs', () => {
  const text = textOf({
    iptables: { syncPeriod: '5s', minSyncPeriod: '2s', masqueradeAll: true },
    nftables: { syncPeriod: '5s', masqueradeAll: true, masqueradeBit: 3 },
    ipvs: { syncPeriod: '7s' },
  });
  expect(text).toContain('  masqueradeAll: true\n  masqueradeBit: 14\n  minSyncPeriod: 0s\n');
  expect(text).toContain('  masqueradeAll: false\n  masqueradeBit: 3\n  minSyncPeriod: 0s\n');
  expect(text).toContain('  syncPeriod: 7s\n');
});
