// The command line of `npm run bench`. Plain JavaScript for Node 20: start.mjs reads it before
// anything is installed or built, so that a slip of the pen costs nothing.

export const PROXIES = /** @type {const} */ (['kube-ipvs', 'kube-proxy']);

/**
 * What can be measured, in the order in which it is; `start` is part of everything but `datapath`,
 * which has clusters of its own.
 */
export const QUANTITIES = /** @type {const} */ ([
  'start',
  'change',
  'create',
  'replace',
  'burst',
  'rate',
  'idle',
  'audit',
  'restart',
  'datapath',
]);

const QUICK = /** @type {const} */ (['start', 'change', 'idle', 'restart']);

export const usage = `usage: npm run bench -- [OPTION…]

Measures kube-ipvs, and kube-proxy where it ends in reason, in the lab against a native API server. Without options
everything, which takes more than an hour, and writes docs/benchmarks.md; --measure datapath alone writes its part of it. With
any other options the tables are only printed.

  --quick                       small clusters, few changes, start, change, idle and restart: under three minutes
  --size SERVICESxENDPOINTS     of the cluster; may be given several times
  --only PROXY                  ${PROXIES.join(' or ')}
  --measure QUANTITY[,…]        only these:
      start      until everything is in the kernel; default/kubernetes and DNS until they are complete; peak memory
      change     an endpoint that moves, until the kernel has it
      create     a Service that comes, until the kernel has it
      replace    1,000 endpoints of one Service, replaced at once
      burst      a change among hundreds of other changes
      rate       500 changes a second for a minute: lag and CPU
      idle       CPU without changes; resident memory
      audit      a change while everything is compared; how long that takes and blocks
      restart    with nothing changed, and what it writes
      datapath   connections, latency, throughput and rules of packets, with 1 and 10,000 Services
  --help
`;

export class UsageError extends Error {}

/** @typedef {(typeof QUANTITIES)[number]} Quantity */
/** @typedef {(typeof PROXIES)[number]} ProxyName */

/**
 * @typedef {object} BenchOptions
 * @property {boolean} help
 * @property {boolean} quick
 * @property {{ readonly services: number, readonly endpoints: number }[]} sizes none: as it comes
 * @property {ProxyName | undefined} only
 * @property {readonly Quantity[]} quantities in the order in which they are measured
 */

/**
 * @param {readonly string[]} argv the arguments after the script's name
 * @returns {BenchOptions}
 * @throws {UsageError} of one line
 */
export function parseOptions(argv) {
  /** @type {BenchOptions} */
  const options = { help: false, quick: false, sizes: [], only: undefined, quantities: [] };
  /** @type {Set<Quantity> | undefined} */
  let asked;
  const rest = argv.flatMap((word) => split(word));
  /** @param {string} name */
  const value = (name) => {
    const found = rest.shift();
    if (found === undefined) throw new UsageError(`${name} needs a value`);
    return found;
  };
  /** @type {Readonly<Record<string, () => unknown>>} */
  const take = {
    '--help': () => (options.help = true),
    '--quick': () => (options.quick = true),
    '--size': () => options.sizes.push(size(value('--size'))),
    '--only': () => (options.only = oneOf('--only', PROXIES, value('--only'))),
    '--measure': () => {
      asked ??= new Set();
      for (const each of value('--measure').split(','))
        asked.add(oneOf('--measure', QUANTITIES, each));
    },
  };
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const action = Object.hasOwn(take, name) ? take[name] : undefined;
    if (!action) throw new UsageError(`unknown option ${name}; --help lists them`);
    action();
  }
  const wanted = asked ?? new Set(options.quick ? QUICK : QUANTITIES);
  return { ...options, quantities: QUANTITIES.filter((each) => wanted.has(each)) };
}

/**
 * `--name=value` is `--name value`.
 *
 * @param {string} word
 * @returns {readonly string[]}
 */
function split(word) {
  const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  return name === undefined || value === undefined ? [word] : [name, value];
}

/**
 * @template {string} T
 * @param {string} option
 * @param {readonly T[]} names
 * @param {string} text
 * @returns {T}
 */
function oneOf(option, names, text) {
  const found = names.find((name) => name === text);
  if (found === undefined)
    throw new UsageError(`${option}: must be one of ${names.join(', ')}, not "${text}"`);
  return found;
}

/** @param {string} text */
function size(text) {
  const [, services, endpoints] = /^([1-9]\d{0,5})[x×]([1-9]\d{0,3})$/.exec(text) ?? [];
  if (services === undefined || endpoints === undefined)
    throw new UsageError(`--size: must be SERVICESxENDPOINTS, as in 1000x2, not "${text}"`);
  return { services: Number(services), endpoints: Number(endpoints) };
}
