/**
 * A whole run as plain data: what a scenario or a command line asks for, and what threads are handed.
 *
 * Runs in: load generator; types, and the table of protocols.
 */

import type { HostPort } from '../addresses.ts';
import { createHttp, type HttpPlan } from '../load/http/http-plan.ts';
import { createImap, type ImapPlan } from '../load/imap/imap-plan.ts';
import { createPop3, type Pop3Plan } from '../load/pop3/pop3-plan.ts';
import type { LoadProtocol, ProtocolPlace } from '../load/protocol.ts';
import { createSmtp, type SmtpPlan } from '../load/smtp/smtp-plan.ts';
import type { Threshold } from '../measure/threshold.ts';
import type { WatchPlan } from '../observe/server-watch.ts';
import type { ArrivalPlan } from '../schedule/arrivals.ts';
import type { TroublePlan } from '../trouble/trouble-plan.ts';

interface GroupBase {
  readonly name: string;
  readonly target: HostPort;
  /** Where its connections go instead: something of the harness that passes them on to the target. */
  readonly via?: HostPort;
  /** Absent: a closed loop of `sessionsMax`. */
  readonly arrivals?: ArrivalPlan;
  readonly sessionsMax: number;
  readonly durationMs: number;
  readonly countMax: number;
  readonly perConnection: number;
  readonly patienceMs: number;
}

export interface SmtpGroup extends GroupBase {
  readonly protocol: 'smtp' | 'lmtp';
  readonly options: SmtpPlan;
}

export interface ImapGroup extends GroupBase {
  readonly protocol: 'imap';
  readonly options: ImapPlan;
}

export interface Pop3Group extends GroupBase {
  readonly protocol: 'pop3';
  readonly options: Pop3Plan;
}

export interface HttpGroup extends GroupBase {
  readonly protocol: 'http';
  readonly options: HttpPlan;
}

export type GroupPlan = SmtpGroup | ImapGroup | Pop3Group | HttpGroup;

export interface RunPlan {
  readonly scenario: string;
  readonly seed: number;
  readonly threads: number;
  readonly groups: readonly GroupPlan[];
  readonly ledger?: string;
  readonly thresholds: readonly Threshold[];
  readonly watch?: WatchPlan;
  readonly trouble?: TroublePlan;
  /** After the run the ledger is counted, for at most so long. */
  readonly recountMsMax?: number;
  /** Where Prometheus may read the run's figures meanwhile. */
  readonly prometheus?: HostPort;
}

export function createProtocol(group: GroupPlan, place: ProtocolPlace): LoadProtocol {
  switch (group.protocol) {
    case 'smtp':
    case 'lmtp':
      return createSmtp(group.options, place);
    case 'imap':
      return createImap(group.options, place);
    case 'pop3':
      return createPop3(group.options, place);
    case 'http':
      return createHttp(group.options, place);
  }
}
