/**
 * One mail transaction: the envelope as MAIL and RCPT build it, and the room held for its bytes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §3.3; RFC 2033 §4.2 (LMTP answers each RCPT after the data); RFC 3461 §5.2.7.
 */

import type { DeliveryTerms } from '../../../actors/asks/delivery-terms.ts';
import type {
  Envelope,
  EnvelopeRecipient,
  Notify,
  Reception,
} from '../../../actors/asks/reception.ts';
import type { Failure } from '../../../base/errors.ts';
import { defaultTenant, type TenantId } from '../../../base/ids.ts';
import { kibibyte } from '../../../base/units.ts';
import type { MailCommand, RcptCommand } from '../../../mail/wire/smtp/envelope-commands.ts';
import { encodeXtext } from '../../../mail/wire/smtp/xtext.ts';
import type { AcceptedRecipient } from '../../guard/recipient-policy.ts';

/** Room is claimed in steps of this. */
const reserveStepBytes = 16 * kibibyte;
/** What SIZE= claims at MAIL at most: a promise of bytes is no bytes, and must not starve others. */
const reserveAheadBytesMax = 256 * kibibyte;

export class Transaction {
  mail: MailCommand | undefined;
  recipients: EnvelopeRecipient[] = [];
  /** For each RCPT taken, the count of `recipients` after it (an alias may add several). */
  rcptEnds: number[] = [];
  /** For each RCPT taken, its address as the client gave it. */
  rcptAddresses: string[] = [];
  tenant: TenantId = defaultTenant;
  reservedBytes = 0;
  #terms: DeliveryTerms | undefined;

  get isOpen(): boolean {
    return this.mail !== undefined;
  }

  get rcptCount(): number {
    return this.rcptEnds.length;
  }

  /** Opens the transaction if there is room for its bytes. */
  open(
    mail: MailCommand,
    reception: Reception,
    tenant: TenantId,
    terms?: DeliveryTerms,
  ): Failure | undefined {
    const ahead = Math.min(Math.max(mail.sizeBytes, 1), reserveAheadBytesMax);
    const refusal = this.#reserve(reception, ahead);
    if (refusal !== undefined) return refusal;
    this.mail = mail;
    this.tenant = tenant;
    this.#terms = terms;
    return undefined;
  }

  add(rcpt: RcptCommand, accepted: AcceptedRecipient): void {
    if (this.tenant === defaultTenant && accepted.tenant !== undefined) {
      this.tenant = accepted.tenant;
    }
    for (const destination of accepted.destinations) {
      const { address, target } = destination;
      let orcpt = rcpt.orcpt;
      // RFC 3461 §5.2.7.2: what an alias expands to keeps saying whom the sender wrote to.
      if (orcpt === undefined && address !== rcpt.path.address && !rcpt.path.isUtf8) {
        orcpt = `rfc822;${encodeXtext(rcpt.path.address)}`;
      }
      this.recipients.push(recipientOf(address, target, rcpt.notify, orcpt));
    }
    this.rcptEnds.push(this.recipients.length);
    this.rcptAddresses.push(rcpt.path.address);
  }

  /** What each RCPT led to. */
  rcpts(): readonly { readonly address: string; readonly leadsTo: readonly string[] }[] {
    let from = 0;
    return this.rcptAddresses.map((address, n) => {
      const end = this.rcptEnds[n]!;
      const leadsTo = this.recipients.slice(from, end).map((recipient) => recipient.address);
      from = end;
      return { address, leadsTo };
    });
  }

  /** Holds room for `bytes` in all; a failure changes nothing. */
  claim(reception: Reception, bytes: number): Failure | undefined {
    return bytes <= this.reservedBytes
      ? undefined
      : this.#reserve(reception, bytes - this.reservedBytes);
  }

  /** The message will be refused: others may have its room while the rest of it comes. */
  giveRoom(reception: Reception): void {
    if (this.reservedBytes > 0) reception.release(this.reservedBytes);
    this.reservedBytes = 0;
  }

  /** The envelope; the transaction must be open. */
  envelope(): Envelope {
    const mail = this.mail!;
    const { ret, envid } = mail;
    const terms = this.#terms;
    if (ret === undefined && envid === undefined && terms === undefined) {
      return {
        sender: mail.path.address,
        recipients: this.recipients,
        body: mail.body,
        smtputf8: mail.smtputf8,
      };
    }
    return {
      sender: mail.path.address,
      recipients: this.recipients,
      body: mail.body,
      smtputf8: mail.smtputf8,
      ...(ret === undefined ? {} : { ret }),
      ...(envid === undefined ? {} : { envid }),
      ...(terms === undefined ? {} : { terms }),
    };
  }

  /** Forgets everything and gives the room back. */
  abort(reception: Reception): void {
    if (this.mail === undefined) return;
    this.giveRoom(reception);
    this.handOver();
  }

  /** Forgets everything; envelope and room belong to whoever took the message. Answers the bytes held. */
  handOver(): number {
    const held = this.reservedBytes;
    this.mail = undefined;
    this.recipients = [];
    this.rcptEnds = [];
    this.rcptAddresses = [];
    this.tenant = defaultTenant;
    this.#terms = undefined;
    this.reservedBytes = 0;
    return held;
  }

  #reserve(reception: Reception, bytes: number): Failure | undefined {
    const step = Math.ceil(bytes / reserveStepBytes) * reserveStepBytes;
    const refusal = reception.reserve(step);
    if (refusal === undefined) this.reservedBytes += step;
    return refusal;
  }
}

function recipientOf(
  address: string,
  target: EnvelopeRecipient['target'],
  notify: Notify | undefined,
  orcpt: string | undefined,
): EnvelopeRecipient {
  if (notify === undefined && orcpt === undefined) return { address, target };
  if (notify === undefined) return { address, target, orcpt: orcpt! };
  if (orcpt === undefined) return { address, target, notify };
  return { address, target, notify, orcpt };
}
