import { expect, test } from '@jest/globals';
import { allocatorNeeds } from '../../../../src/loadbalancer/needs.ts';
import { pool, settingsOf } from '../../../support/loadbalancer/balanced.ts';

test('Namespaces are read only where some pool selects them by label', () => {
  const office = pool('office', '192.0.2.1', { namespaces: ['shop'] });
  const team = pool('team', '192.0.2.2', { namespaceSelectors: [{ matchLabels: { a: 'b' } }] });
  expect(allocatorNeeds(settingsOf([office]))).toEqual(['LoadBalancing', 'ExternalNames']);
  expect(allocatorNeeds(settingsOf([office, team]))).toContain('Namespace');
});
