/**
 * An SMTP load as plain data, and the protocol made of it in the thread that plays it.
 *
 * Runs in: load generator.
 */

import { Buffer } from 'node:buffer';
import { hostname } from 'node:os';
import type { Framing } from '../../corpus/form.ts';
import { createKinds, type KindPlan } from '../../corpus/kinds.ts';
import { MessageSource } from '../../corpus/message-source.ts';
import { type Destination, RecipientDealer } from '../../corpus/recipients.ts';
import type { TlsMode } from '../connection.ts';
import type { LoadProtocol, ProtocolPlace } from '../protocol.ts';
import type { Credentials, Mechanism } from './authentication.ts';
import { SmtpProtocol } from './smtp-protocol.ts';

const replyMsMax = 60_000;
const runBytes = 6;

export interface TenantPlan {
  readonly weight: number;
  readonly from: string;
  readonly credentials?: Credentials | undefined;
}

export interface SmtpPlan {
  readonly lmtp: boolean;
  readonly pipeline: boolean;
  readonly chunking: boolean;
  readonly tls: TlsMode;
  readonly tlsName?: string;
  readonly isVerified: boolean;
  readonly mechanism?: Mechanism | undefined;
  readonly tenants: readonly TenantPlan[];
  readonly destinations: readonly Destination[];
  readonly recipients: number;
  readonly messages: readonly KindPlan[];
}

export function createSmtp(plan: SmtpPlan, place: ProtocolPlace): LoadProtocol {
  const { tenants, destinations, recipients, messages, mechanism, ...rest } = plan;
  const framing: Framing = plan.chunking ? 'plain' : 'dots';
  const longest = Math.max(...destinations.map(({ addresses }) => addresses.length));
  const offset = Math.floor((longest * place.share.index) / place.share.count);
  const { clock, random, ledger } = place;
  const date = new Date(clock.nowMs()).toUTCString().replace('GMT', '+0000');
  const isUnique = ledger !== undefined;
  const kindsOf = createKinds(messages, { date, random, isUnique, framing });
  return new SmtpProtocol(
    {
      ...rest,
      mechanism,
      helloName: hostname(),
      replyMsMax,
      ledger,
      epochMs: place.epochMs,
      tenants: tenants.map(({ weight, from, credentials }) => ({
        ...{ weight, from, credentials },
        source: new MessageSource({
          kinds: kindsOf(from),
          recipients: new RecipientDealer(destinations, recipients, offset),
          run: Buffer.from(place.chance.bytes(runBytes)).toString('hex'),
        }),
      })),
    },
    place,
  );
}
