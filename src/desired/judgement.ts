/**
 * What all contributors together say of a Service. Nobody can let in what another leaves out: the
 * first who objects gives the reason. Costs nothing where nobody judges.
 */
import type { ServiceResource } from '../model/resources.ts';
import type { Endpoint, EndpointChoice, ServicePort } from '../model/servicePort.ts';
import type { Contributor, Judgement } from './contributor.ts';

export type JudgementOf = (service: ServiceResource) => Judgement | undefined;

export function judgementBy(contributors: readonly Contributor[]): JudgementOf {
  const judges = contributors.filter((each) => each.judge !== undefined);
  return (service) => {
    const said = judges.map((each) => each.judge!(service)).filter((each) => each !== undefined);
    if (said.length < 2) return said[0];
    return {
      endpoint: (endpoint, port) => firstOf(said, (each) => each.endpoint?.(endpoint, port)),
      frontend: (frontend) => firstOf(said, (each) => each.frontend?.(frontend)),
    };
  };
}

export interface Admitted {
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: EndpointChoice['excluded'];
}

/** @param endpoints of the port */
export function admittedEndpoints(
  endpoints: readonly Endpoint[],
  port: ServicePort,
  judgement: Judgement | undefined,
): Admitted {
  if (judgement?.endpoint === undefined) return { endpoints, leftOut: [] };
  const leftOut = endpoints.flatMap((endpoint) => {
    const reason = judgement.endpoint!(endpoint, port);
    return reason === undefined ? [] : [{ endpoint, reason }];
  });
  if (leftOut.length === 0) return { endpoints, leftOut };
  const gone = new Set(leftOut.map(({ endpoint }) => endpoint));
  return { endpoints: endpoints.filter((endpoint) => !gone.has(endpoint)), leftOut };
}

function firstOf<T, U>(items: readonly T[], of: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
