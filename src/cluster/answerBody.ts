/**
 * The body of an answer as it comes, unpacked where the server packed it, and given up after a
 * silence. Every failure is an ApiError.
 */
import type http from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ApiError, errorFromNetwork, isRecord, messageOf } from './apiError.ts';

/** What an answer may be packed with: a kube-apiserver packs lists above 128 KiB. */
export const ACCEPTED_ENCODING = 'gzip';

export const NO_ANSWER = 'no answer';

/** The pieces of a body as they come; `idleMs` without any destroys the connection. */
export async function* readPieces(
  response: http.IncomingMessage,
  url: string,
  idleMs: number,
): AsyncGenerator<Uint8Array> {
  const watchdog = setTimeout(() => response.destroy(timeoutError(NO_ANSWER, idleMs, url)), idleMs);
  try {
    for await (const piece of unpacked(response, url)) {
      watchdog.refresh();
      yield piece as Uint8Array;
    }
  } catch (error) {
    throw isOfZlib(error) ? badGzip(error, url) : errorFromNetwork(error, url);
  } finally {
    clearTimeout(watchdog);
    response.destroy();
  }
}

export async function readBody(
  response: http.IncomingMessage,
  url: string,
  idleMs: number,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readPieces(response, url, idleMs)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function timeoutError(problem: string, ms: number, url: string): ApiError {
  const message = `${problem} for ${ms / 1000} s`;
  return new ApiError({ status: 0, reason: 'Timeout', message, url });
}

/** Each piece comes out as soon as the server has flushed it: a packed watch is no later. */
function unpacked(response: http.IncomingMessage, url: string): NodeJS.ReadableStream {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return response;
  if (encoding !== 'gzip') {
    const message = `the answer is packed with ${JSON.stringify(encoding)}, which nobody asked for`;
    throw new ApiError({ status: 0, reason: 'Protocol', message, url });
  }
  const gunzip = createGunzip();
  // A failure of one side ends the other, and is thrown where the pieces are read.
  pipeline(response, gunzip, () => undefined);
  return gunzip;
}

function isOfZlib(error: unknown): boolean {
  return isRecord(error) && String(error['code']).startsWith('Z_');
}

function badGzip(error: unknown, url: string): ApiError {
  const message = `the answer is not whole or no gzip, as its header says: ${messageOf(error)}`;
  return new ApiError({ status: 0, reason: 'Protocol', message, url }, error);
}
