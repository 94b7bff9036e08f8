// The ClusterRole of the chart allows what the product asks of an API server, and nothing besides:
// with every set of values, and with each feature turned on.

import { afterAll, describe, expect, test } from '@jest/globals';
import { EVENT_RIGHTS } from '../../src/cluster/events.ts';
import { LEASE_RIGHTS } from '../../src/cluster/leaseElector.ts';
import { LEASE } from '../../src/loadbalancer/shell/allocatorFeature.ts';
import { STATUS_RIGHTS } from '../../src/loadbalancer/shell/failingServices.ts';
import { kindsFor, type Need } from '../../src/model/kinds.ts';
import { ciValues, Helm, theOnly } from './helm.ts';

interface Rights {
  /** empty for the core group */
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

interface Feature {
  readonly name: string;
  /** that turn it on in the chart */
  readonly values: readonly string[];
  /** as its Feature declares them */
  readonly needs: readonly Need[];
  /** besides listing and watching what it needs */
  readonly more: readonly Rights[];
}

const LOAD_BALANCER = ciValues.find(([name]) => name === 'load-balancer')![1];

/** A feature that asks something of the API server adds its row. */
const FEATURES: readonly Feature[] = [
  { name: 'no feature', values: [], needs: [], more: [] },
  {
    name: 'a load balancer',
    values: [`--values=${LOAD_BALANCER}`],
    needs: ['LoadBalancing', 'ExternalNames', 'Namespace'],
    more: [STATUS_RIGHTS],
  },
];

const URL = '--set=apiServer.url=https://192.0.2.10:6443';

// one set of values leaves the role to somebody else
const RBAC = '--set=rbac.create=true';

const helm = new Helm();
afterAll(() => helm.close());

/**
 * `watch endpointslices.discovery.k8s.io`, as kubectl spells them; a right that is given twice is
 * there twice.
 */
function spelled(rights: readonly Rights[]): string[] {
  return rights
    .flatMap(({ group, resource, verbs }) => {
      const name = group === '' ? resource : `${resource}.${group}`;
      return verbs.map((verb) => `${verb} ${name}`);
    })
    .toSorted();
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

function allowed(...argv: readonly string[]): string[] {
  const rules = theOnly(helm.objects(URL, ...argv, RBAC), 'ClusterRole')[
    'rules'
  ] as readonly Rule[];
  return spelled(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource, verbs }))),
    ),
  );
}

function asked(features: readonly Feature[]): string[] {
  const needs = new Set(features.flatMap((feature) => feature.needs));
  return spelled([
    ...kindsFor({ needs }),
    EVENT_RIGHTS,
    ...features.flatMap((feature) => feature.more),
  ]);
}

describe('what the ClusterRole allows is what is asked', () => {
  test.each(FEATURES.map((feature) => [feature.name, feature] as const))(
    'with %s',
    (_, feature) => {
      expect(allowed(...feature.values)).toEqual(asked([feature]));
    },
  );

  test('with all features', () => {
    const values = FEATURES.flatMap((feature) => feature.values);
    expect(allowed(...values)).toEqual(asked(FEATURES));
  });

  test.each(ciValues.filter(([, file]) => file !== LOAD_BALANCER))(
    'with %s values, which turn no feature on',
    (_, file) => {
      expect(allowed(`--values=${file}`)).toEqual(asked([]));
    },
  );

  test('Namespaces are read only where a pool selects them', () => {
    const config = { pools: [{ name: 'office', addresses: ['192.0.2.1'], namespaces: ['shop'] }] };
    const on = '--set=loadBalancer.enabled=true';
    const rights = allowed(on, `--set-json=loadBalancer.config=${JSON.stringify(config)}`);
    expect(rights).toEqual(
      asked([
        { name: '', values: [], needs: ['LoadBalancing', 'ExternalNames'], more: [STATUS_RIGHTS] },
      ]),
    );
  });
});

describe('what the Role in the release’s namespace allows', () => {
  const roles = (...argv: readonly string[]) =>
    helm
      .objects(URL, ...argv, RBAC)
      .filter(({ kind }) => kind === 'Role' || kind === 'RoleBinding');

  test('is nothing, for there is none, without a load balancer', () => {
    expect(roles()).toEqual([]);
  });

  test('is the one Lease of who gives out addresses', () => {
    const [role, binding] = roles(`--values=${LOAD_BALANCER}`);
    const leases = { apiGroups: [LEASE_RIGHTS.group], resources: [LEASE_RIGHTS.resource] };
    expect(role!['rules']).toEqual([
      { ...leases, verbs: LEASE_RIGHTS.verbsOfAll },
      { ...leases, resourceNames: [LEASE], verbs: LEASE_RIGHTS.verbs },
    ]);
    expect(binding!['roleRef']).toMatchObject({ kind: 'Role', name: role!.metadata.name });
    expect([role, binding].map((each) => each!.metadata.namespace)).toEqual([
      'kube-system',
      'kube-system',
    ]);
  });
});
