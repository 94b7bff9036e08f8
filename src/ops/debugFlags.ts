/**
 * `/debug/flags` as kube-proxy serves it with `--profiling`: the one flag there is `v`, and PUT
 * sets it while the process runs.
 */
import type { HttpAnswer, HttpRequest, Routes } from './httpListener.ts';
import type { Logger } from './log.ts';
import type { Verbosity } from './verbosity.ts';

export interface DebugFlagsOptions {
  readonly verbosity: Verbosity;
  readonly log: Logger;
}

const ROOT = '/debug/flags';
/** klog keeps it in 31 bits. */
const HIGHEST = 2 ** 31 - 1;
const LONGEST_BYTES = 64;

const INDEX: HttpAnswer = {
  status: 200,
  contentType: 'text/html; charset=utf-8',
  body: `<html>
<head>
<title>/debug/flags/</title>
</head>
<body>
/debug/flags/<br>
<br>
flags:<br>
<table>
<tr>v<br>
</table>
<br>
full flags configurable<br>
</body>
</html>
`,
};

export function debugFlagRoutes(options: DebugFlagsOptions): Routes {
  return {
    get: (path) => {
      if (path === `${ROOT}/v`) return (request) => verbosityAnswer(request, options);
      return path === ROOT || path.startsWith(`${ROOT}/`) ? () => INDEX : undefined;
    },
  };
}

async function verbosityAnswer(
  request: HttpRequest,
  { verbosity, log }: DebugFlagsOptions,
): Promise<HttpAnswer> {
  if (request.method !== 'PUT') return plain(406, 'unsupported http method');
  const text = await request.text(LONGEST_BYTES);
  if (text === undefined) return plain(400, `longer than ${LONGEST_BYTES} bytes: no number`);
  const refusal = (problem: string) =>
    plain(400, `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${problem}`);
  if (!/^\d+$/.test(text)) return refusal('invalid syntax');
  if (Number(text) > HIGHEST) return refusal('value out of range');
  log.info('verbosity of the log is changed', { from: verbosity.level, to: Number(text) });
  verbosity.level = Number(text);
  return plain(200, `successfully set klog.logging.verbosity to ${text}`);
}

function plain(status: number, text: string): HttpAnswer {
  return { status, contentType: 'text/plain', body: `${text}\n` };
}
