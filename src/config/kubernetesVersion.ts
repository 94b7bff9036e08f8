/** The Kubernetes release whose kube-proxy this program stands in for: flags, fields and words. */
export const KUBERNETES_VERSION = 'v1.37.2';

/** `v1.37.2`, or with more behind it, as `--version=` may claim. */
export function isOfKubernetesVersion(text: string): boolean {
  const rest = text.startsWith(KUBERNETES_VERSION) ? text.slice(KUBERNETES_VERSION.length) : 'no';
  return /^([-+].+)?$/.test(rest);
}

/** `1.36`: the only release whose hidden metrics can be asked for. */
export function previousMinor(): string {
  const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
  return `${major}.${Number(minor) - 1}`;
}
