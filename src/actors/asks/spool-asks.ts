/**
 * The ask that hands a received message to a spool shard, packed for the hot path.
 *
 * Runs in:   both sides; pure.
 * Invariant: `unpackReceived(packReceived(m))` equals `m` without its body. Fields travel by place, not by name:
 *            a message costs one small array, and both sides are always of one build.
 */

import type { AccountId, MessageId, ShardId, TenantId } from '../../base/ids.ts';
import { type PackedTerms, packTerms, unpackTerms } from './delivery-terms.ts';
import type {
  Arrival,
  BodyType,
  CarriedScan,
  Envelope,
  EnvelopeRecipient,
  Notify,
  ReceivedMessage,
} from './reception.ts';
import { bodyTypes } from './reception.ts';

export const messageReceive = 'message.receive';
/** meta: `JudgeParams`; the body is the beginning of the message, with its header: the answer is `ok` if it would be taken. */
export const messageJudge = 'message.judge';

export type JudgeParams = readonly [received: PackedReceived, isWhole: boolean];

/** address, account (0: remote), shard, notify bits (0: absent), orcpt ("": absent). */
export type PackedRecipient = readonly [string, number, number, number, string];

export type PackedEnvelope = readonly [
  sender: string,
  recipients: readonly PackedRecipient[],
  body: number,
  smtputf8: boolean,
  ret: 0 | 1 | 2,
  envid: string,
  /** Absent where the sender asked for nothing, and in records from before there were any. */
  terms?: PackedTerms,
];

export type PackedArrival = readonly [
  id: string,
  receivedMs: number,
  listener: Arrival['listener'],
  protocol: string,
  peerAddress: string,
  peerPort: number,
  helo: string,
  tlsVersion: string,
  tlsCipher: string,
  user: string,
  trusted: boolean,
  tenant: number,
  /** Absent where no filter was asked. */
  filters?: readonly [points: number, words: readonly string[]] | null,
  /** Absent where no conversation goes on. */
  carried?: readonly CarriedScan[],
];

/** The third is what a logged-in sender may put into From, in lower case; empty for all others. */
export type PackedReceived = readonly [
  envelope: PackedEnvelope,
  arrival: PackedArrival,
  fromAllowed: readonly string[],
  /** The answer's value is then the id of the message accepted with this key. */
  idempotency?: string,
];

export function packReceived(
  message: ReceivedMessage,
  fromAllowed: readonly string[] = [],
): PackedReceived {
  const { envelope, arrival, idempotency } = message;
  const packed = [packEnvelope(envelope), packArrival(arrival), fromAllowed] as const;
  return idempotency === undefined ? packed : [...packed, idempotency];
}

export function unpackReceived(packed: PackedReceived): {
  envelope: Envelope;
  arrival: Arrival;
  fromAllowed?: readonly string[];
  idempotency?: string;
} {
  const [envelope, arrival, fromAllowed, idempotency] = packed;
  return {
    envelope: unpackEnvelope(envelope),
    arrival: unpackArrival(arrival),
    ...(fromAllowed.length === 0 ? {} : { fromAllowed }),
    ...(idempotency === undefined ? {} : { idempotency }),
  };
}

export function packEnvelope(envelope: Envelope): PackedEnvelope {
  const packed = [
    envelope.sender,
    envelope.recipients.map(packRecipient),
    bodyTypes.indexOf(envelope.body),
    envelope.smtputf8,
    envelope.ret === undefined ? 0 : envelope.ret === 'full' ? 1 : 2,
    envelope.envid ?? '',
  ] as const;
  return envelope.terms === undefined ? packed : [...packed, packTerms(envelope.terms)];
}

export function unpackEnvelope(packed: PackedEnvelope): Envelope {
  const [sender, recipients, body, smtputf8, ret, envid, terms] = packed;
  return {
    sender,
    recipients: recipients.map(unpackRecipient),
    body: bodyTypes[body] as BodyType,
    smtputf8,
    ...(ret === 0 ? {} : { ret: ret === 1 ? ('full' as const) : ('hdrs' as const) }),
    ...(envid === '' ? {} : { envid }),
    ...(terms === undefined ? {} : { terms: unpackTerms(terms) }),
  };
}

/** Stands in the shard's place of a recipient without account: what is sent to it is read here. */
const feedbackShard = 1;

export function packRecipient(recipient: EnvelopeRecipient): PackedRecipient {
  const { target } = recipient;
  const isAccount = target.kind === 'account';
  return [
    recipient.address,
    isAccount ? target.account : 0,
    isAccount ? target.shard : target.kind === 'feedback' ? feedbackShard : 0,
    packNotify(recipient.notify),
    recipient.orcpt ?? '',
  ];
}

export function unpackRecipient(packed: PackedRecipient): EnvelopeRecipient {
  const [address, account, shard, notify, orcpt] = packed;
  return {
    address,
    target:
      account === 0
        ? { kind: shard === feedbackShard ? 'feedback' : 'remote' }
        : { kind: 'account', account: account as AccountId, shard: shard as ShardId },
    ...(notify === 0 ? {} : { notify: unpackNotify(notify) }),
    ...(orcpt === '' ? {} : { orcpt }),
  };
}

/** 1: present; 2: never; 4: success; 8: failure; 16: delay. */
function packNotify(notify: Notify | undefined): number {
  if (notify === undefined) return 0;
  return (
    1 +
    (notify.never ? 2 : 0) +
    (notify.success ? 4 : 0) +
    (notify.failure ? 8 : 0) +
    (notify.delay ? 16 : 0)
  );
}

function unpackNotify(bits: number): Notify {
  return {
    never: (bits & 2) !== 0,
    success: (bits & 4) !== 0,
    failure: (bits & 8) !== 0,
    delay: (bits & 16) !== 0,
  };
}

function packArrival(arrival: Arrival): PackedArrival {
  const packed = [
    arrival.id,
    arrival.receivedMs,
    arrival.listener,
    arrival.protocol,
    arrival.peerAddress,
    arrival.peerPort,
    arrival.helo,
    arrival.tls?.version ?? '',
    arrival.tls?.cipher ?? '',
    arrival.user ?? '',
    arrival.trusted,
    arrival.tenant,
  ] as const;
  const { filters, carried } = arrival;
  if (filters === undefined && carried === undefined) return packed;
  const marks = filters === undefined ? null : ([filters.points, filters.words] as const);
  return carried === undefined ? [...packed, marks] : [...packed, marks, carried];
}

function unpackArrival(packed: PackedArrival): Arrival {
  const [id, receivedMs, listener, protocol, peerAddress, peerPort, helo] = packed;
  const [, , , , , , , tlsVersion, tlsCipher, user, trusted, tenant, filters, carried] = packed;
  return {
    id: id as MessageId,
    receivedMs,
    listener,
    protocol,
    peerAddress,
    peerPort,
    helo,
    ...(tlsVersion === '' ? {} : { tls: { version: tlsVersion, cipher: tlsCipher } }),
    ...(user === '' ? {} : { user }),
    trusted,
    tenant: tenant as TenantId,
    ...(filters == null ? {} : { filters: { points: filters[0], words: filters[1] } }),
    ...(carried === undefined ? {} : { carried }),
  };
}
