/** Asks the proxy that runs on this node, by its local socket (localserver/). */
import http from 'node:http';

export interface AgentRequest {
  readonly socketPath: string;
  readonly method?: 'GET' | 'POST';
  /** with its query */
  readonly path: string;
}

/** There is no socket, or nobody listens there. */
export class NoAgentError extends Error {
  override readonly name = 'NoAgentError';
}

/** The path is none of its own: it is older, or what answers there is off. */
export class UnknownPathError extends Error {
  override readonly name = 'UnknownPathError';
}

const TIMEOUT_MS = 10_000;

/** @returns the answer's body @throws NoAgentError, UnknownPathError, Error */
export function askAgent({ socketPath, method = 'GET', path }: AgentRequest): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const options = { socketPath, path, method, timeout: TIMEOUT_MS };
    const request = http.request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (body += piece));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) return resolve(body);
        const Refused = response.statusCode === 404 ? UnknownPathError : Error;
        reject(new Refused(`the proxy on this node answers: ${body.trim()}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer on ${socketPath}`)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      reject(isAbsent ? new NoAgentError(`no proxy runs here (${socketPath})`) : error);
    });
    request.end();
  });
}
