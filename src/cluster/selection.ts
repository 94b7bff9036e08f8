/**
 * What of a kind is asked for, as far as the server can tell it apart. API servers before 1.31 know
 * no field `spec.clusterIP` of Services and answer 400 to it: such a server is asked without from
 * then on. It spares them traffic, no more: what is headless is left out in model/service.ts too.
 */
import type { Selectors } from '../model/kinds.ts';
import { ApiError } from './apiError.ts';

export class Selection {
  #selectors: Selectors;

  constructor(selectors: Selectors) {
    this.#selectors = selectors;
  }

  /** @throws what `send` throws, but for fields that the server does not know */
  async apply<R>(send: (selectors: Selectors) => Promise<R>): Promise<R> {
    try {
      return await send(this.#selectors);
    } catch (error) {
      const { fieldSelector, ...others } = this.#selectors;
      if (!(error instanceof ApiError) || error.status !== 400 || fieldSelector === undefined) {
        throw error;
      }
      const result = await send(others);
      this.#selectors = others;
      return result;
    }
  }
}
