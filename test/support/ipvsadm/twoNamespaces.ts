/**
 * Two fresh network namespaces for a block of tests: the real ipvsadm works in one, ours in the
 * other.
 */
import { afterAll, beforeAll } from '@jest/globals';
import { freshNamespace, type Namespace } from '../lab/namespace.ts';

/** To be called where tests are declared; there while they run. */
export function twoNamespaces(): { readonly theirs: Namespace; readonly ours: Namespace } {
  let namespaces: readonly [Namespace, Namespace];
  beforeAll(async () => {
    namespaces = [await freshNamespace(), await freshNamespace()];
  });
  afterAll(async () => {
    for (const namespace of namespaces) await namespace.remove();
  });
  return {
    get theirs() {
      return namespaces[0];
    },
    get ours() {
      return namespaces[1];
    },
  };
}
