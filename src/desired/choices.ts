/**
 * The ports of a Service in every family this host can program, each with the endpoints that were
 * chosen for it: what both compiling and `explain` start from.
 */
import { endpointsByPort } from '../model/endpoint.ts';
import { chooseEndpoints } from '../model/endpointChoice.ts';
import type { Problem } from '../model/problem.ts';
import type { EndpointSliceResource, ServiceResource } from '../model/resources.ts';
import { servicePorts } from '../model/service.ts';
import type { Endpoint, EndpointChoice, ServicePort } from '../model/servicePort.ts';
import { endpointPortKey } from '../model/sliceEndpoints.ts';
import type { Family } from '../net/family.ts';
import { affordable } from './budget.ts';
import type { Judgement } from './contributor.ts';
import type { CompileContext } from './frontends.ts';
import { admittedEndpoints } from './judgement.ts';

export interface ChosenPort {
  readonly port: ServicePort;
  /** all there are for a proxy, usable or not: without those that a contributor leaves out */
  readonly endpoints: readonly Endpoint[];
  readonly choice: EndpointChoice;
}

export interface ServiceChoices {
  readonly ports: readonly ChosenPort[];
  /** why a proxy has nothing to do for this Service */
  readonly skipped?: string;
  readonly problems: readonly Problem[];
  /** what contributors say of the Service */
  readonly judgement?: Judgement;
  /** some endpoint carries a topology hint: the node's zone matters */
  readonly hasHints: boolean;
}

export function chooseForService(
  service: ServiceResource,
  slices: readonly EndpointSliceResource[],
  context: Pick<
    CompileContext,
    | 'options'
    | 'families'
    | 'nodeName'
    | 'zone'
    | 'nodePortAddresses'
    | 'sliceReader'
    | 'judgementOf'
  >,
): ServiceChoices {
  const all = servicePorts(service, context.options);
  const ofHost = all.ports.filter(({ family }) => context.families.includes(family));
  const { ports, skipped = all.skipped, problems } = affordable(service, ofHost, slices, context);
  const found = [...all.problems, ...problems];
  const judgement = ports.length === 0 ? undefined : context.judgementOf(service);
  const node =
    context.zone === undefined
      ? { name: context.nodeName }
      : { name: context.nodeName, zone: context.zone };
  const byFamily = new Map<Family, ReadonlyMap<string, readonly Endpoint[]>>();
  const chosen: ChosenPort[] = [];
  for (const port of ports) {
    let byPort = byFamily.get(port.family);
    if (byPort === undefined) {
      const { nodeName, sliceReader } = context;
      const result = endpointsByPort(slices, port.family, nodeName, sliceReader);
      for (const problem of result.problems) found.push(problem);
      byFamily.set(port.family, (byPort = result.endpoints));
    }
    const listed = byPort.get(endpointPortKey(port.portName, port.protocol)) ?? [];
    const { endpoints, leftOut } = admittedEndpoints(listed, port, judgement);
    const choice = chooseEndpoints(endpoints, port, node);
    for (const problem of choice.problems) found.push(problem);
    const excluded = [...choice.excluded, ...leftOut];
    chosen.push({
      port,
      endpoints,
      choice: leftOut.length === 0 ? choice : { ...choice, excluded },
    });
  }
  return {
    ports: chosen,
    ...(judgement === undefined ? {} : { judgement }),
    ...(skipped === undefined ? {} : { skipped }),
    problems: found,
    hasHints: chosen.some(({ endpoints }) => endpoints.some(isHinted)),
  };
}

function isHinted(endpoint: Endpoint): boolean {
  return endpoint.hintZones !== undefined || endpoint.hintNodes !== undefined;
}
