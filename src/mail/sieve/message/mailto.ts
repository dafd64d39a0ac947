/**
 * mailto: URIs of notices.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 6068, RFC 5436 §2.1 and §2.2 (what a notice may name: at least one recipient).
 * Invariant: never throws.
 */

import { oneAddress } from './address-parts.ts';

export interface MailtoMessage {
  readonly recipients: readonly string[];
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject?: string;
  /** "": none is given. */
  readonly body: string;
}

/** A notice as its URI would have it. Fields that it may not set are left out (RFC 5436 §2.7). */
export function mailtoMessage(uri: string): MailtoMessage | undefined {
  const recipients = mailtoRecipients(uri);
  if (recipients === undefined) return undefined;
  const [, list = '', query = ''] = /^mailto:([^?#]*)(?:\?([^#]*))?$/i.exec(uri) ?? [];
  const named = (wanted: string) =>
    query
      .split('&')
      .map((field) => /^([^=]+)=(.*)$/s.exec(field))
      .filter((pair) => pair !== null && decoded(pair[1]!)?.toLowerCase() === wanted)
      .map((pair) => decoded(pair![2]!) ?? '');
  const addresses = (texts: readonly string[]) =>
    texts.flatMap((text) => text.split(',').map((each) => each.trim())).filter((each) => each);
  const to = addresses([decoded(list) ?? '', ...named('to')]);
  const cc = addresses(named('cc'));
  const [subject] = named('subject');
  return {
    recipients,
    ...{ to, cc, body: named('body').join('\r\n') },
    ...(subject === undefined ? {} : { subject }),
  };
}

/** All recipients, those of `to` and `cc` fields too; undefined: it is no mailto URI a notice can go to. */
export function mailtoRecipients(uri: string): readonly string[] | undefined {
  const match = /^mailto:([^?#]*)(?:\?([^#]*))?$/i.exec(uri);
  if (match === null) return undefined;
  const recipients: string[] = [];
  const take = (list: string): boolean =>
    // RFC 2368 had the commas encoded too: both forms are in use.
    (decoded(list)?.split(',') ?? ['-'])
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .every((text) => {
        if (oneAddress(text) === undefined) return false;
        if (!recipients.includes(text)) recipients.push(text);
        return true;
      });
  if (!take(match[1]!)) return undefined;
  for (const field of (match[2] ?? '').split('&')) {
    if (field === '') continue;
    const pair = /^([^=]+)=(.*)$/s.exec(field);
    const name = pair === null ? undefined : decoded(pair[1]!)?.toLowerCase();
    if (name === undefined || !/^[!-9;-~]+$/.test(name)) return undefined;
    if (decoded(pair![2]!) === undefined) return undefined;
    if ((name === 'to' || name === 'cc' || name === 'bcc') && !take(pair![2]!)) return undefined;
  }
  return recipients.length === 0 ? undefined : recipients;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
