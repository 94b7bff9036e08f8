/** A request of a gate's client passed on to the API server, and the answer back as it comes. */
import type http from 'node:http';
import https from 'node:https';

export interface Onward {
  readonly url: string | URL;
  readonly headers: http.OutgoingHttpHeaders;
  readonly agent: https.Agent;
}

/** @param deliver each piece of the answer's body to the client, or not */
export function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { url, headers, agent }: Onward,
  deliver: (bytes: Buffer) => void,
): void {
  const onward = https.request(url, { method: request.method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    response.flushHeaders();
    answer.on('data', deliver);
    answer.on('end', () => response.end());
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}
