// The chart's ServiceAccount as a pod has it: a bound token from the TokenRequest API.

import type { ClusterObjects } from '../support/e2e/clusterObjects.ts';
import { NAMESPACE, RELEASE } from './helm.ts';

/** @returns the token; @throws when the account is not there */
export async function accountToken(admin: ClusterObjects): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${RELEASE}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status, text } = await admin.request('POST', path, request);
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${text}`);
  return (JSON.parse(text) as { readonly status: { readonly token: string } }).status.token;
}
