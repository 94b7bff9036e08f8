/** The namespace that this process runs in, where its Lease is. */
import { readFile } from 'node:fs/promises';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
/** Of a proxy that is no pod: where kube-proxy is. */
const OUTSIDE = 'kube-system';

export interface NamespaceSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly file?: string;
}

/** By `POD_NAMESPACE`, else by the pod's service account. */
export async function ownNamespace({
  env = process.env,
  file = SERVICE_ACCOUNT,
}: NamespaceSources = {}): Promise<string> {
  const told = env['POD_NAMESPACE']?.trim();
  if (told) return told;
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim() || OUTSIDE;
}
