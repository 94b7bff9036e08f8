/** The door for Namespaces: of one is read by which labels it is selected. */
import { Fields, type Slim } from './fields.ts';
import type { NamespaceResource } from './resources.ts';

/** @see k8s.io/api/core/v1 Namespace */
export function slimNamespace(raw: unknown): Slim<NamespaceResource> {
  const { root, metadata, name } = Fields.open(raw, 'Namespace', false);
  const { problems } = root;
  const labels = metadata.strings('labels');
  return root.isUsable ? { object: { name, labels }, problems } : { problems };
}
