/**
 * The forms of fields in the load balancer's configuration, and in the objects of others that it is
 * made of, as valibot schemas.
 */
import * as v from 'valibot';
import { type LabelSelector, SELECTOR_OPERATORS } from '../../model/labelSelector.ts';
import { familyOf, parseAddress } from '../../net/address.ts';
import { type AddressRange, parseRange } from '../../net/addressRange.ts';
import { isGlob } from '../../net/glob.ts';
import { formatDuration, parseDuration } from '../duration.ts';

const LABEL_NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const DNS_LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const QUALIFIED_NAME = new RegExp(
  String.raw`^(?:(?=[^/]{1,253}/)${DNS_LABEL}(?:\.${DNS_LABEL})*/)?${LABEL_NAME}$`,
);

const MUST_BE_DNS_LABEL =
  'must be a DNS label: 1 to 63 small letters, digits and dashes, no dash at either end';

export const dnsLabel = v.pipe(
  v.string(MUST_BE_DNS_LABEL),
  v.regex(new RegExp(`^${DNS_LABEL}$`), MUST_BE_DNS_LABEL),
);

const MUST_BE_CLASS = 'must be a name such as office or example.com/office';

/** As spec.loadBalancerClass takes it. */
export const qualifiedName = v.pipe(
  v.string(MUST_BE_CLASS),
  v.regex(QUALIFIED_NAME, MUST_BE_CLASS),
);

const MUST_BE_KEY = 'must be the key of a label, such as env or example.com/env';

const labelKey = v.pipe(v.string(MUST_BE_KEY), v.regex(QUALIFIED_NAME, MUST_BE_KEY));

const MUST_BE_LABEL_VALUE =
  'must be the value of a label: text of at most 63 letters, digits, "-", "_" and "."';

const labelValue = v.pipe(
  v.string(MUST_BE_LABEL_VALUE),
  v.regex(new RegExp(`^(?:${LABEL_NAME})?$`), MUST_BE_LABEL_VALUE),
);

/** What is said where there is no object, and where a field of one is missing. */
export const mustBeObject =
  (members: string) =>
  ({ expected }: v.ObjectIssue | v.LooseObjectIssue): string =>
    expected === 'Object' ? `must be an object with ${members}` : 'must be given';

const requirement = v.pipe(
  v.object(
    {
      key: labelKey,
      operator: v.picklist(SELECTOR_OPERATORS, `must be ${SELECTOR_OPERATORS.join(', ')}`),
      values: v.nullish(v.array(labelValue, 'must be a list of texts'), []),
    },
    mustBeObject('key, operator and values'),
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { operator, values } = dataset.value;
    if (takesValues(operator) === values.length > 0) return;
    const what = takesValues(operator) ? 'must hold at least one value' : 'must be left out';
    addIssue({
      message: `of ${operator} ${what}`,
      input: values,
      path: [
        { type: 'object', origin: 'value', input: dataset.value, key: 'values', value: values },
      ],
    });
  }),
  v.transform(({ key, operator, values }) =>
    takesValues(operator) ? { key, operator, values } : { key, operator },
  ),
);

function takesValues(operator: (typeof SELECTOR_OPERATORS)[number]): boolean {
  return operator === 'In' || operator === 'NotIn';
}

/** metav1.LabelSelector; members that say nothing are left out of what is made of it. */
export const labelSelector = v.pipe(
  v.object(
    {
      matchLabels: v.nullish(
        v.record(labelKey, labelValue, 'must be an object of label keys and values'),
        {},
      ),
      matchExpressions: v.nullish(v.array(requirement, 'must be a list of objects'), []),
    },
    mustBeObject('matchLabels or matchExpressions'),
  ),
  v.transform(({ matchLabels, matchExpressions }): LabelSelector => ({
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  })),
);

/** Absent and null stay apart from a list with nothing in it. */
export const optionalList = <const Item extends v.GenericSchema>(item: Item, of: string) =>
  v.nullish(v.array(item, `must be a list of ${of}`));

export const list = <const Item extends v.GenericSchema>(item: Item, of: string) =>
  v.nullish(v.array(item, `must be a list of ${of}`), []);

export const selectors = () => list(labelSelector, 'label selectors');

/** An interface's name has at most 15 bytes (linux/if.h, IFNAMSIZ). */
const IFNAME_MAX = 15;

const isNameLike = (name: string) => name !== '' && !/[/\s:]/.test(name);
const fits = (name: string) => new TextEncoder().encode(name).length <= IFNAME_MAX;
const TOO_LONG = `is longer than the ${IFNAME_MAX} bytes that the name of a network interface may have`;
const MUST_BE_GLOB = 'must be the name of a network interface, or a glob such as eth*';

export const interfaceGlob = v.pipe(
  v.string(MUST_BE_GLOB),
  v.check((name) => isNameLike(name) && isGlob(name), MUST_BE_GLOB),
  v.check((name) => /[*?[\\]/.test(name) || fits(name), TOO_LONG),
);

const MUST_BE_NAME = 'must be the name of a network interface';

/** Where a star is a star. */
export const interfaceName = v.pipe(
  v.string(MUST_BE_NAME),
  v.check(isNameLike, MUST_BE_NAME),
  v.check(fits, TOO_LONG),
);

export const oneOf = <const Options extends readonly string[]>(
  options: Options,
  fallback: Options[number],
) => v.nullish(v.picklist(options, `must be ${options.join(' or ')}`), fallback);

export const wholeNumber = (from: number, to: number) => {
  const message = `must be a whole number from ${from} to ${to}`;
  return v.pipe(
    v.number(message),
    v.check((value) => Number.isInteger(value) && value >= from && value <= to, message),
  );
};

/** Of a 32-bit field of the API. */
export const INT32_MAX = 2 ** 31 - 1;

interface DurationBounds {
  readonly from: string;
  readonly to: string;
  /** 0s is allowed too */
  readonly hasOff?: boolean;
}

/** @returns a schema whose output are milliseconds */
export const durationMs = (
  fallback: string,
  { from, to, hasOff: isOffAllowed = false }: DurationBounds,
) => {
  const [least, most] = [parseDuration(from)!, parseDuration(to)!];
  const bounds = `from ${from} to ${to}${isOffAllowed ? ', or 0s' : ''}`;
  const message = `must be a duration ${bounds}, such as "${fallback}"`;
  return v.pipe(
    v.nullish(v.string(message), fallback),
    v.check((text) => {
      const ms = parseDuration(text);
      if (ms === undefined) return false;
      return (ms >= least && ms <= most) || (isOffAllowed && ms === 0);
    }, message),
    v.transform((text) => parseDuration(text)!),
  );
};

/** As a document holds it: the shortest that Go reads. */
export function durationText(ms: number): string {
  return formatDuration(ms)
    .replace(/([hm])0s$/, '$1')
    .replace(/h0m$/, 'h');
}

const MUST_BE_RANGE =
  'must be a prefix (192.0.2.64/27), a range (192.0.2.100-192.0.2.120) or an address';

export const addressRange = v.pipe(
  v.string(MUST_BE_RANGE),
  v.rawTransform<string, AddressRange>(({ dataset, addIssue, NEVER }) => {
    const range = parseRange(dataset.value);
    if (range !== undefined) return range;
    addIssue({ message: rangeProblem(dataset.value) });
    return NEVER;
  }),
);

/** @param text no range */
export function rangeProblem(text: string): string {
  const [first, last, ...more] = text.split('-').map((end) => parseAddress(end.trim()));
  if (first === undefined || last === undefined || more.length > 0) return MUST_BE_RANGE;
  return familyOf(first) !== familyOf(last)
    ? 'begins in one IP family and ends in the other'
    : 'ends before it begins';
}
