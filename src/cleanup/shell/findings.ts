/** What a cleanup comes across beside what it removes. */
export class Findings {
  readonly kept: { readonly what: string; readonly reason: string }[] = [];
  readonly failed: { readonly what: string; readonly error: string }[] = [];

  keep(what: string, reason: string): void {
    this.kept.push({ what, reason });
  }

  fail(what: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.failed.push({ what, error: text.trim().replaceAll(/\s*\n\s*/g, '; ') });
  }

  /** @returns what the work does, or `otherwise` when it fails */
  async attempt<T>(what: string, work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.fail(what, error);
      return otherwise;
    }
  }
}
