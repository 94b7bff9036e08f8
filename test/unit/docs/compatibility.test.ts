import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compatibilityPage } from '../../../packaging/compatibility/page.ts';
import { flagRows } from '../../../packaging/compatibility/configuration.ts';
import { ENDPOINTS, EVENTS, METRICS, type Row } from '../../../packaging/compatibility/rows.ts';
import { RUN_FLAGS } from '../../../src/config/flags.ts';
// Nothing of it is called: a change of anything in it is a reason to run this test.
import { runProxy } from '../../../src/agent/runProxy.ts';

const checkout = join(import.meta.dirname, '..', '..', '..');
const sources = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(checkout, 'src', name), 'utf8'))
  .join('\n');

test('docs/kube-proxy-compatibility.md is what npm run docs:compatibility writes', () => {
  const page = readFileSync(join(checkout, 'docs', 'kube-proxy-compatibility.md'), 'utf8');
  expect(page).toBe(compatibilityPage());
});

test('every flag of the program has one row', () => {
  expect(runProxy).toBeDefined();
  const names = flagRows().map(([name]) => name.slice(2));
  expect(names.toSorted()).toEqual(RUN_FLAGS.map(({ name }) => name).toSorted());
});

/** As the sources spell it: of some only a part is written out. */
function spelled(metric: string): string {
  if (/^kubeproxy_proxy_(healthz|livez)_total$/.test(metric))
    return 'kubeproxy_proxy_${path}_total';
  const [, sweep] = /^kubeproxy_conntrack_reconciler_(.+)$/.exec(metric) ?? [];
  if (sweep !== undefined) return `kubeproxy_\${SUBSYSTEM}_${sweep}`;
  const [, rest] = /^kubeproxy_sync_proxy_rules_(.+)$/.exec(metric) ?? [];
  if (rest === undefined) return `'${metric}'`;
  return `\${SUBSYSTEM}_${rest.replace(/^(endpoint|service)(?=_changes)/, '${kind}')}`;
}

describe.each<[string, readonly Row[], (name: string) => boolean]>([
  ['metrics', METRICS, (name) => sources.includes(spelled(name))],
  [
    'endpoints',
    ENDPOINTS,
    (path) => [`'${path}`, `'${path.slice(1)}'`].some((text) => sources.includes(text)),
  ],
  ['Events', EVENTS, (reason) => sources.includes(`'${reason}'`)],
])('%s', (_, rows, isInSources) => {
  test.each(rows.map(([name, status]) => [name, status]))(
    '%s is %s, and so it is',
    (name, status) => {
      expect(isInSources(name)).toBe(status !== 'missing');
    },
  );
});
