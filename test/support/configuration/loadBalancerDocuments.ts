/** Texts of documents for the load balancer, and what is made of them. */
import { decodeFeatures } from '../../../src/config/features.ts';
import type { LoadBalancerSettings } from '../../../src/config/loadBalancer/settings.ts';
import { parseYamlDocuments } from '../../../src/config/yamlText.ts';
import { formatProblem } from '../../../src/model/problem.ts';

/** The head of a LoadBalancerConfiguration: its fields begin in line 3. */
export const LB_HEAD = 'apiVersion: kube-ipvs.io/v1alpha1\nkind: LoadBalancerConfiguration\n';

export interface ReadLoadBalancer {
  readonly settings: LoadBalancerSettings | undefined;
  /** as they are printed; the file is f.yaml */
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
}

/** @param content whole documents */
export function readLoadBalancer(content: string): ReadLoadBalancer {
  const { documents, problems: invalid } = parseYamlDocuments(content, 'f.yaml');
  const { features, problems, remarks } = decodeFeatures(documents);
  return {
    settings: features.loadBalancer,
    problems: [...invalid, ...problems].map(formatProblem),
    remarks: remarks.map(formatProblem),
  };
}
