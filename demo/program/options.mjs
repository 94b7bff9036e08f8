// The demo's command line. Plain JavaScript for Node 20: it is read before `npm ci`.

export const usage = `usage: npm run demo [-- OPTION…]

Builds a cluster of two nodes with pods and a client outside, in a kernel lab on this machine; proxies the Services of
demo/*.yaml with kube-ipvs on both nodes; sends real HTTP requests and checks what comes back. Sets itself up: the first
time that takes some minutes, later less than one. Needs a Debian machine and root. Exit status 0 only if all was right.

  --api    read the Services from a real etcd and kube-apiserver instead of from the files, and scale through the API;
           kube-apiserver is taken from $KUBEBUILDER_ASSETS or PATH, or built with Go
  --keep   leave a shell in the cluster at the end; without a terminal the commands on stdin are run there instead
  --help   this text
`;

export class UsageError extends Error {}

/** @type {Readonly<Record<string, 'api' | 'keep' | 'help'>>} */
const known = { '--api': 'api', '--keep': 'keep', '--help': 'help', '-h': 'help' };

/**
 * @param {readonly string[]} argv the arguments after the script's name
 * @returns `{ api, keep, help }`
 * @throws UsageError for anything else
 */
export function parseOptions(argv) {
  const options = { api: false, keep: false, help: false };
  for (const word of argv) {
    const name = known[word];
    if (name === undefined) throw new UsageError(`unknown option ${word}`);
    options[name] = true;
  }
  return options;
}
