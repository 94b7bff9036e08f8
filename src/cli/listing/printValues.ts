/**
 * A listing as JSON or YAML; what the fields mean is in json.ts. JSON of a large table is written
 * piece by piece.
 */
import { formatYamlText } from '../../config/yamlText.ts';
import type { ListRequest, TableRequest } from '../ipvsadm/request.ts';
import { parseConnections } from './connections.ts';
import {
  connectionsToJson,
  daemonsToJson,
  listHead,
  serverToJson,
  timeoutsToJson,
} from './json.ts';
import type { Owners } from './owners.ts';
import {
  CONNECTION_TABLE,
  listedServices,
  type Printing,
  readConnectionTable,
} from './printListing.ts';

export interface ValuePrinting extends Printing {
  readonly owners: Owners | undefined;
  readonly format: 'json' | 'yaml';
  /** JSON on one line */
  readonly isLine: boolean;
}

/** @throws ListFailure, KernelError */
export async function printValues(request: ListRequest, printing: ValuePrinting): Promise<void> {
  const { listing, connectionTable = CONNECTION_TABLE } = printing;
  switch (request.command) {
    case 'timeouts':
      return print(timeoutsToJson(await listing.timeouts()), printing);
    case 'daemons':
      return print(daemonsToJson(await listing.daemons()), printing);
    case 'connections': {
      const table = readConnectionTable(connectionTable);
      return print(connectionsToJson(parseConnections(table)), printing);
    }
    case 'table':
      return printServers(request, printing);
    default:
      throw new RangeError(`${request.command} has no values`);
  }
}

function print(value: object, { write, format, isLine }: ValuePrinting): void {
  if (format === 'yaml') write(formatYamlText(value));
  else write(`${JSON.stringify(value, null, isLine ? 0 : 2)}\n`);
}

async function printServers(request: TableRequest, printing: ValuePrinting): Promise<void> {
  const { version, owners, format, isLine, write } = printing;
  const head = listHead(version, owners);
  const pieces = listedServices({ ...request, columns: 'stats' }, printing);
  if (format === 'yaml') {
    const virtualServers = [];
    for await (const piece of pieces) {
      virtualServers.push(...piece.map((one) => serverToJson(one, owners)));
    }
    return print({ ...head, virtualServers }, printing);
  }
  const [newline, indent] = isLine ? ['', 0] : ['\n', 2];
  // The head without its end, then the list as its last member.
  let text = JSON.stringify(head, null, indent).replace(/\n?\}$/, `,${newline}`);
  text += isLine ? '"virtualServers":[' : '  "virtualServers": [';
  let separator = newline;
  for await (const piece of pieces) {
    for (const one of piece) {
      const server = JSON.stringify(serverToJson(one, owners), null, indent);
      text += separator + (isLine ? server : `    ${server.replaceAll('\n', '\n    ')}`);
      separator = `,${newline}`;
    }
    write(text);
    text = '';
  }
  const isEmpty = separator === newline;
  write(`${text}${isEmpty || isLine ? '' : '\n  '}]${newline}}\n`);
}
