/** The name of this node's Node object. */

/**
 * @param hostnameOverride empty counts as absent
 * @param hostname the operating system's
 * @returns undefined when nothing is left to be a name
 * @see kubernetes pkg/util/node/node.go, GetHostname: trimmed and in lower case
 */
export function nodeNameOf(hostnameOverride: string, hostname: string): string | undefined {
  const name = (hostnameOverride.trim() || hostname).trim().toLowerCase();
  return name === '' ? undefined : name;
}
