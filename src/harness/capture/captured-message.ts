/**
 * What is known of a captured message: how it came, and what its header and text say.
 *
 * Runs in:   sink.
 * Specs:     RFC 5322, RFC 2045 (by postal-mime).
 * Limits:    `nestingMax` parts deep, `headerBytesMax` of header; a message past them is shown as source only.
 *            Texts of a summary are cut at `textCharsMax`, what is searched at `searchCharsMax`.
 */

import PostalMime, { type Address, type Email } from 'postal-mime';
import { mebibyte } from '../../base/units.ts';
import { htmlText } from './html-scan.ts';

const nestingMax = 64;
const headerBytesMax = mebibyte;
const textCharsMax = 300;
const searchCharsMax = 32 * 1024;

/** What the session knew. */
export interface CapturedEnvelope {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly receivedMs: number;
  readonly client: string;
  readonly via: string;
  readonly isEncrypted: boolean;
  readonly user?: string | undefined;
}

export interface Summary extends CapturedEnvelope {
  readonly id: string;
  readonly bytes: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly date: string | undefined;
  readonly snippet: string;
  readonly attachments: number;
  readonly hasHtml: boolean;
  /** Why its parts cannot be shown. */
  readonly fault: string | undefined;
}

export interface Reading {
  readonly email: Email | undefined;
  readonly fault: string | undefined;
}

/** Takes the MIME structure apart; what cannot be taken apart has a fault instead. */
export async function readMessage(bytes: Uint8Array): Promise<Reading> {
  try {
    const email = await PostalMime.parse(bytes, {
      ...{ maxNestingDepth: nestingMax, maxHeadersSize: headerBytesMax },
      ...{ rfc822Attachments: true },
    });
    return { email, fault: undefined };
  } catch (error) {
    return { email: undefined, fault: (error as Error).message };
  }
}

export function summaryOf(
  id: string,
  envelope: CapturedEnvelope,
  bytes: number,
  { email, fault }: Reading,
): Summary {
  const text = email === undefined ? '' : textOf(email);
  return {
    ...envelope,
    ...{ id, bytes, fault },
    from: cut(addressText(email?.from)),
    to: [...(email?.to ?? []), ...(email?.cc ?? [])].map((each) => cut(addressText(each))),
    subject: cut(oneLine(email?.subject ?? '')),
    date: email?.date,
    snippet: cut(oneLine(text)),
    attachments: email?.attachments.filter((part) => part.related !== true).length ?? 0,
    hasHtml: email?.html !== undefined,
  };
}

/** Everything of a message that a search for text looks at, in lower case. */
export function searchTextOf(summary: Summary, { email }: Reading): string {
  const { from, to, subject, sender, recipients } = summary;
  const body = email === undefined ? '' : textOf(email);
  const names = email?.attachments.map((part) => part.filename ?? '') ?? [];
  const parts = [subject, from, ...to, sender, ...recipients, ...names, body];
  return parts.join('\n').slice(0, searchCharsMax).toLowerCase();
}

export function addressText(address: Address | undefined): string {
  if (address === undefined) return '';
  if (address.group !== undefined) {
    return `${address.name}: ${address.group.map((each) => addressText(each)).join(', ')};`;
  }
  const { name, address: path } = address;
  return name === '' ? path : `${oneLine(name)} <${path}>`;
}

function textOf(email: Email): string {
  const text = email.text ?? '';
  return text.trim() === '' && email.html !== undefined ? htmlText(email.html) : text;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function cut(text: string): string {
  return text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text;
}
