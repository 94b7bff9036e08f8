/** A node with rules of both variants of iptables beside each other. */
import type { OneNode } from './oneNode.ts';

export type Variant = 'legacy' | 'nft';

/** A rule of somebody else in a table that we write too. */
export const FOREIGN_RULE = '-A POSTROUTING -s 10.99.0.0/16 -j RETURN';

export class BothVariants {
  readonly #node: OneNode;

  constructor(node: OneNode) {
    this.#node = node;
  }

  /** What kubelet leaves in the variant it uses. */
  async putHint(variant: Variant) {
    await this.#node.run(`iptables-${variant} -t mangle -N KUBE-IPTABLES-HINT`);
  }

  async removeHint(variant: Variant) {
    await this.#node.run(`iptables-${variant} -t mangle -X KUBE-IPTABLES-HINT`);
  }

  async putForeignRule(variant: Variant) {
    await this.#node.run(`iptables-${variant} -t nat ${FOREIGN_RULE}`);
  }

  /** Rules of both families. */
  saved(variant: Variant): Promise<string> {
    return this.#node.run(`iptables-${variant}-save && ip6tables-${variant}-save`);
  }

  /** @returns how many there are to our chain of Services, of both families together */
  async jumps(): Promise<Readonly<Record<Variant, number>>> {
    const legacy = countJumps(await this.saved('legacy'));
    return { legacy, nft: countJumps(await this.saved('nft')) };
  }
}

const countJumps = (saved: string) =>
  saved.match(/^-A PREROUTING .*-j KUBE-SERVICES$/gm)?.length ?? 0;
