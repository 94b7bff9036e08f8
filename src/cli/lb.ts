/** `kube-ipvs lb COMMAND`: the commands about the load balancer, one row each. */
import { suggestion } from '../config/suggest.ts';
import { EXIT, type Io } from './io.ts';

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly run: (words: readonly string[], io: Io) => Promise<number>;
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'import',
    summary: "makes a LoadBalancerConfiguration of MetalLB's and Cilium's pools",
    run: async (words, io) => (await import('./lb/import.ts')).importPools(words, io),
  },
  {
    name: 'plan',
    summary: 'who would get which address, and who would announce it, of files alone',
    run: async (words, io) => (await import('./lb/plan.ts')).lbPlan(words, io),
  },
  {
    name: 'status',
    summary: 'who announces which address, and who hears whom, as this node sees it',
    run: async (words, io) => (await import('./lb/status.ts')).lbStatus(words, io),
  },
  {
    name: 'check',
    summary: 'whether this node can announce addresses and hears the others; says what to do',
    run: async (words, io) => (await import('./lb/check.ts')).lbCheck(words, io),
  },
  {
    name: 'release',
    summary: 'hands addresses of this node to other nodes, as before maintenance',
    run: async (words, io) => (await import('./lb/release.ts')).lbRelease(words, io),
  },
];

export async function lb([name = '', ...words]: readonly string[], io: Io): Promise<number> {
  if (name === '--help' || name === '-h') {
    io.stdout.write(helpText());
    return EXIT.done;
  }
  const chosen = SUBCOMMANDS.find((each) => each.name === name);
  if (chosen) return chosen.run(words, io);
  const names = SUBCOMMANDS.map((each) => each.name);
  const problem =
    name === ''
      ? 'lb needs a command'
      : `unknown command lb ${name}${suggestion(name, names, 'lb ')}`;
  io.stderr.write(`error: ${problem}; there are ${names.join(', ')}\n`);
  return EXIT.badInput;
}

function helpText(): string {
  const lines = SUBCOMMANDS.map((each) => `  ${each.name.padEnd(10)}${each.summary}\n`);
  return (
    'The load balancer: addresses for Services where no cloud gives them (docs/load-balancer.md).\n\n' +
    `Usage: kube-ipvs lb COMMAND [flags]\n\nCommands (each has --help):\n${lines.join('')}`
  );
}
