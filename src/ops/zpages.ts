/**
 * `/statusz` and `/flagz` as kube-proxy 1.37 answers them: text for people, and a structure for who
 * asks for one by name.
 */
import { formatYamlText } from '../config/yamlText.ts';
import type { HttpAnswer, Route, Routes } from './httpListener.ts';
import { type ZpageKind, type ZpageVersion, zpageForm } from './zpageNegotiation.ts';

export interface ZpageOptions {
  /** of this program, without a `v` */
  readonly version: string;
  /** all flags by name, as the command line left them */
  readonly flags: ReadonlyMap<string, string>;
  readonly startedAtMs: number;
  readonly wallMs: () => number;
  /** 0 to 1 */
  readonly random?: () => number;
}

const COMPONENT = 'kube-ipvs';
/** The kube-proxy that this one stands in for. */
const EMULATED = '1.37';
const PATHS = ['/configz', '/flagz', '/healthz', '/metrics', '/proxyMode'];

const TEXT = 'text/plain; charset=utf-8';
const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
/** One of them by chance, so that nobody begins to parse the text: upstream's way of meaning it. */
const DELIMITERS = [':', ': ', '=', ' '];
const REFUSED =
  'only the following media types are accepted: application/json, application/yaml, text/plain';

interface Page {
  readonly kind: ZpageKind;
  readonly text: (delimiter: string) => string;
  readonly fields: () => object;
}

export function zpageRoutes(options: ZpageOptions): Routes {
  const { random = Math.random } = options;
  return new Map([
    ['/statusz', routeOf(statusz(options), random)],
    ['/flagz', routeOf(flagz(options), random)],
  ]);
}

function statusz({ version, startedAtMs, wallMs }: ZpageOptions): Page {
  const uptimeSec = () => Math.max(0, Math.floor((wallMs() - startedAtMs) / 1000));
  const runtime = `node ${process.version}`;
  const lines = (): readonly (readonly [string, string])[] => [
    ['Started', unixDate(startedAtMs)],
    ['Up', upText(uptimeSec())],
    // Upstream's word; what runs us stands there.
    ['Go version', runtime],
    ['Binary version', version],
    ['Emulation version', EMULATED],
    ['Paths', PATHS.join(' ')],
  ];
  return {
    kind: 'Statusz',
    text: (delimiter) =>
      `\n${lines()
        .map(([name, value]) => `${name}${delimiter} ${value}\n`)
        .join('')}`,
    fields: () => ({
      startTime: new Date(startedAtMs).toISOString().replace(/\.\d+/, ''),
      uptimeSeconds: uptimeSec(),
      goVersion: runtime,
      binaryVersion: version,
      emulationVersion: EMULATED,
      paths: PATHS,
    }),
  };
}

function flagz({ flags }: ZpageOptions): Page {
  return {
    kind: 'Flagz',
    text: (delimiter) =>
      [...flags].map(([name, value]) => `${name}${delimiter}${value}\n`).join(''),
    fields: () => ({ flags: Object.fromEntries(flags) }),
  };
}

function routeOf({ kind, text, fields }: Page, random: () => number): Route {
  return ({ accept }): HttpAnswer => {
    const wanted = zpageForm(kind, accept);
    if (wanted.form === 'none') return refusal(wanted.refusal);
    if (wanted.form === 'text') {
      const delimiter = DELIMITERS[Math.floor(random() * DELIMITERS.length)]!;
      const name = kind.toLowerCase();
      const body = `\n${COMPONENT} ${name}\n${WARNING}\n${text(delimiter)}`;
      return { status: 200, contentType: TEXT, body };
    }
    const { form, version } = wanted;
    const apiVersion = `config.k8s.io/${version}`;
    const head = { kind, apiVersion, metadata: { name: COMPONENT } };
    return {
      status: 200,
      contentType: `application/${form};g=config.k8s.io;v=${version};as=${kind}`,
      headers: deprecation(kind, version),
      body: written(form, { ...head, ...fields() }),
    };
  };
}

function deprecation(kind: ZpageKind, version: ZpageVersion): Readonly<Record<string, string>> {
  if (version !== 'v1alpha1') return {};
  const text = `This version of the ${kind.toLowerCase()} endpoint is deprecated. Please use a newer version.`;
  return { Warning: `299 - "${text}"` };
}

function refusal(form: 'json' | 'yaml'): HttpAnswer {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: REFUSED,
    reason: 'NotAcceptable',
    code: 406,
  };
  return { status: 406, contentType: `application/${form}`, body: written(form, body) };
}

function written(form: 'json' | 'yaml', value: object): string {
  return form === 'json' ? JSON.stringify(value, undefined, 2) : formatYamlText(value);
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `Mon Nov 30 04:26:19 UTC 2026`, Go's UnixDate. */
function unixDate(ms: number): string {
  const at = new Date(ms);
  const day = String(at.getUTCDate()).padStart(2);
  const time = at.toISOString().slice(11, 19);
  return `${DAYS[at.getUTCDay()]} ${MONTHS[at.getUTCMonth()]} ${day} ${time} UTC ${at.getUTCFullYear()}`;
}

function upText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)} hr ${two(minutes % 60)} min ${two(seconds % 60)} sec`;
}
