/**
 * What `--features` names, decoded: each document by itself (documents.ts), then what several of
 * them say together. Every command and the proxy read it here.
 */
import type { Problem } from '../model/problem.ts';
import { decodeDocuments } from './documents.ts';
import { DOCUMENT_KINDS, type Features } from './featureKinds.ts';
import { assembleLoadBalancer } from './loadBalancer/assemble.ts';
import type { YamlDocument } from './yamlText.ts';

export interface DecodedFeatures {
  /** of the documents that are right: to be used when all are */
  readonly features: Features;
  readonly problems: readonly Problem[];
  /** worth telling, while everything works; none beside problems, which may be their cause */
  readonly remarks: readonly Problem[];
}

export function decodeFeatures(documents: readonly YamlDocument[]): DecodedFeatures {
  const { sections, problems } = decodeDocuments(documents, DOCUMENT_KINDS);
  const [settings] = sections.settings ?? [];
  const loadBalancer = assembleLoadBalancer(sections);
  const wrong = [...problems, ...loadBalancer.problems];
  return {
    features: {
      ...(settings && { settings: settings.value }),
      ...(loadBalancer.settings && { loadBalancer: loadBalancer.settings }),
    },
    problems: wrong,
    remarks: wrong.length > 0 ? [] : loadBalancer.remarks,
  };
}
