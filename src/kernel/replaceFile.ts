/** A file is replaced whole, so that a crash leaves the old one or the new one. */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/** @throws Error; the old file is in place then */
export async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomUUID()}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
