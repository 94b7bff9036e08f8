/** One GET over a connection of its own. */
import http from 'node:http';
import { text } from 'node:stream/consumers';

/** @param where a URL, or options of Node's client as they are */
export function httpGet(
  where: string | http.RequestOptions,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const take = (response: http.IncomingMessage): void => {
      const taken = text(response).then((body) => ({ status: response.statusCode!, body }));
      taken.then(resolve, reject);
    };
    const options = typeof where === 'string' ? { ...urlOptions(where), agent: false } : where;
    http.get(options, take).on('error', reject);
  });
}

function urlOptions(url: string): http.RequestOptions {
  const { hostname, port, pathname } = new URL(url);
  return { host: hostname, port, path: pathname };
}
