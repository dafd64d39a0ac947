/**
 * SMTP, LMTP and submission as a protocol of the load generator.
 *
 * Runs in:   load generator.
 */

import type { MessageSource } from '../../corpus/message-source.ts';
import { mixTurn, type Weighted } from '../../corpus/mix.ts';
import type { LedgerWriter } from '../../ledger/ledger-writer.ts';
import { Connections, type TlsMode } from '../connection.ts';
import type { LoadProtocol, LoadSession, ProtocolPlace, SessionEvents } from '../protocol.ts';
import type { Credentials, Mechanism } from './authentication.ts';
import { type SessionPlace, SmtpSession } from './session.ts';

/** Who sends: each session is one tenant's. */
export interface TenantOptions extends Weighted {
  readonly from: string;
  readonly credentials: Credentials | undefined;
  readonly source: MessageSource;
}

export interface SmtpOptions {
  readonly lmtp: boolean;
  readonly pipeline: boolean;
  readonly chunking: boolean;
  readonly tls: TlsMode;
  readonly tlsName?: string;
  readonly isVerified: boolean;
  readonly mechanism: Mechanism | undefined;
  readonly helloName: string;
  readonly replyMsMax: number;
  readonly tenants: readonly TenantOptions[];
  readonly ledger: LedgerWriter | undefined;
  readonly epochMs: number;
}

/** A tenant with its commands, made once. */
export interface SmtpTenant extends TenantOptions {
  readonly mail: string;
  readonly mailEightBit: string;
}

export class SmtpProtocol implements LoadProtocol {
  readonly #place: SessionPlace;
  readonly #tenants: readonly SmtpTenant[];
  readonly #turn: Uint32Array;
  #at = 0;
  #openedCount = 0;

  constructor(options: SmtpOptions, place: ProtocolPlace) {
    const { lmtp, pipeline, chunking, tls, isVerified, replyMsMax, tlsName } = options;
    const { target, clock, random, recorder } = place;
    const named = tlsName === undefined ? {} : { tlsName };
    const wanted = [...(pipeline ? ['PIPELINING'] : []), ...(chunking ? ['CHUNKING'] : [])];
    const { helloName, mechanism, ledger, epochMs } = options;
    this.#place = {
      connections: new Connections({ ...target, tls, isVerified, ...named }, clock, replyMsMax),
      opening: { lmtp, tls, helloName, mechanism, wanted, recorder, clock, random },
      books: { recorder, ledger, epochMs },
      ...{ lmtp, pipeline, chunking },
    };
    this.#turn = mixTurn(options.tenants);
    this.#tenants = options.tenants.map((tenant) => ({
      ...tenant,
      mail: `MAIL FROM:<${tenant.from}>\r\n`,
      mailEightBit: `MAIL FROM:<${tenant.from}> BODY=8BITMIME\r\n`,
    }));
  }

  open(events: SessionEvents): LoadSession {
    const tenant = this.#tenants[this.#turn[this.#at]!]!;
    this.#at = (this.#at + 1) % this.#turn.length;
    return new SmtpSession(this.#place, tenant, events, ++this.#openedCount);
  }
}
