/**
 * What a command line of ipvsadm asks for, as a value: to list, to change something, to restore, or
 * a refusal in its words.
 */
import type {
  DestinationIdentity,
  DestinationRequest,
  ServiceIdentity,
  ServiceRequest,
  SyncDaemon,
  Timeouts,
} from '../../netlink/ipvs.ts';
import type { Columns } from '../listing/table.ts';

export interface TableRequest {
  readonly command: 'table';
  readonly columns: Columns;
  readonly isExact: boolean;
  readonly isNumeric: boolean;
  /** false = the kernel's order */
  readonly isSorted: boolean;
  /** only this one, without the version line */
  readonly selection?: ServiceIdentity;
}

export interface ConnectionsRequest {
  readonly command: 'connections';
  readonly isNumeric: boolean;
  readonly hasEngineColumns: boolean;
}

export type ListRequest =
  | TableRequest
  | ConnectionsRequest
  | { readonly command: 'save'; readonly isNumeric: boolean }
  | { readonly command: 'timeouts' }
  | { readonly command: 'daemons' };

export type ChangeRequest =
  | { readonly command: 'add-service' | 'edit-service'; readonly service: ServiceRequest }
  | { readonly command: 'delete-service'; readonly service: ServiceIdentity }
  | {
      readonly command: 'add-server' | 'edit-server';
      readonly service: ServiceIdentity;
      readonly destination: DestinationRequest;
    }
  | {
      readonly command: 'delete-server';
      readonly service: ServiceIdentity;
      readonly destination: DestinationIdentity;
    }
  | { readonly command: 'flush' }
  /** without a service: the counters of everything */
  | { readonly command: 'zero'; readonly service?: ServiceIdentity }
  | { readonly command: 'set'; readonly timeouts: Timeouts }
  | { readonly command: 'start-daemon'; readonly daemon: SyncDaemon }
  | { readonly command: 'stop-daemon'; readonly daemon: Pick<SyncDaemon, 'state'> };

export type IpvsadmRequest =
  | ListRequest
  | ChangeRequest
  | { readonly command: 'restore' }
  | { readonly command: 'help' }
  | { readonly command: 'version' };

/** Bad input, in ipvsadm's words. */
export interface Refusal {
  readonly command: 'refused';
  readonly message: string;
  /** 255 where the options cannot be read, 2 where they make no sense */
  readonly exitCode: 255 | 2;
  /** ends a restore; an option that does not exist only fails its line */
  readonly isFinal: boolean;
}

const NO_CHANGES: ReadonlySet<string> = new Set([
  'table',
  'connections',
  'save',
  'timeouts',
  'daemons',
  'restore',
  'help',
  'version',
] satisfies Exclude<IpvsadmRequest, ChangeRequest>['command'][]);

export function isChange(request: IpvsadmRequest): request is ChangeRequest {
  return !NO_CHANGES.has(request.command);
}
