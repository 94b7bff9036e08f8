import { expect, test } from '@jest/globals';
import { slimNamespace } from '../../../src/model/slimNamespace.ts';

test('its name and its labels', () => {
  const metadata = { name: 'team-a', labels: { env: 'prod' }, uid: 'x' };
  expect(slimNamespace({ metadata, spec: { finalizers: ['kubernetes'] } })).toEqual({
    object: { name: 'team-a', labels: { env: 'prod' } },
    problems: [],
  });
});

test('without a name it is none', () => {
  const { object, problems } = slimNamespace({ metadata: {} });
  expect(object).toBeUndefined();
  expect(problems).toMatchObject([{ path: 'Namespace/(unnamed).metadata.name' }]);
});
