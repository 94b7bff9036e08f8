/**
 * The Services whose status cannot be written, as conditions. What refuses all of them (a missing
 * right) is told of the first few: ten thousand lines say no more.
 */
import { type ApiError, explainFailure } from '../../cluster/apiError.ts';
import type { FeatureHost } from '../../feature/feature.ts';
import type { ObjectKey } from '../../model/resources.ts';
import { ADDRESS_NOT_WRITTEN } from './conditions.ts';

const MOST = 20;
/** What our role has to allow for it. */
export const STATUS_RIGHTS = { group: '', resource: 'services/status', verbs: ['patch'] } as const;
const ATTEMPT = { ...STATUS_RIGHTS, verb: 'patch', isOptional: true } as const;

export class FailingServices {
  readonly #conditions: FeatureHost['conditions'];
  readonly #told = new Set<ObjectKey>();

  constructor(conditions: FeatureHost['conditions']) {
    this.#conditions = conditions;
  }

  failed(key: ObjectKey, error: ApiError, waitMs: number): void {
    this.#set(key, explainFailure(error, ATTEMPT), waitMs);
  }

  /** It was written, and is not what was written. */
  differs(key: ObjectKey, waitMs: number): void {
    const why = 'the API server has made something else of it: see its admission webhooks';
    this.#set(key, `patch services/status: ${why}`, waitMs);
  }

  works(key: ObjectKey): void {
    if (this.#told.delete(key)) this.#conditions.clear(ADDRESS_NOT_WRITTEN, key);
  }

  /** Of the others nothing is to be written any more. */
  retain(isLeft: (key: ObjectKey) => boolean): void {
    for (const key of this.#told) if (!isLeft(key)) this.works(key);
  }

  #set(key: ObjectKey, reason: string, waitMs: number): void {
    if (!this.#told.has(key) && this.#told.size >= MOST) return;
    this.#told.add(key);
    const message = `the status of Service ${key} is not written: ${reason}; tried again in ${waitMs / 1000} s`;
    this.#conditions.set(ADDRESS_NOT_WRITTEN, key, { message, reason });
  }
}
