/**
 * Writes the trace field that says where a message came from and how.
 *
 * Runs in:   engine threads (hot path: one string and one write per message).
 * Specs:     RFC 5321 §4.4 (time stamp line), RFC 3848 and RFC 6531 (with), RFC 8314 §4.3 (tls clause),
 *            RFC 6710 (priority clause).
 * Limits:    a clause's text is cut at `clauseLengthMax`.
 * Invariant: nothing a peer said can end the line, open a comment or add a clause.
 */

import { Buffer } from 'node:buffer';

const clauseLengthMax = 255;

export interface TraceFacts {
  /** EHLO or HELO argument as the peer gave it; "" when there was none. */
  readonly helo: string;
  /** IPv4 or IPv6 address; "" when the message did not come over the network. */
  readonly peerAddress: string;
  readonly hostname: string;
  /** ESMTP, ESMTPS, ESMTPSA, UTF8SMTPS, LMTP… */
  readonly protocol: string;
  readonly id: string;
  /** The only recipient, or "": several are not shown to each other (RFC 5321 §7.6). */
  readonly recipient: string;
  /** IANA name of the TLS cipher suite, or "". */
  readonly cipher: string;
  /** 0: nothing was said. */
  readonly priority: number;
  /** RFC 5322 form. */
  readonly date: string;
}

/** The field with its line break. */
export function writeReceived(facts: TraceFacts): Uint8Array {
  const { peerAddress } = facts;
  let text = 'Received: ';
  if (peerAddress !== '') {
    // RFC 5321 §4.1.3: an IPv6 literal carries its tag.
    const tag = peerAddress.includes(':') ? 'IPv6:' : '';
    text += `from ${clause(facts.helo === '' ? 'unknown' : facts.helo)} ([${tag}${peerAddress}])\r\n\t`;
  }
  text += `by ${facts.hostname} with ${facts.protocol} id ${facts.id}`;
  if (facts.recipient !== '') text += `\r\n\tfor <${clause(facts.recipient)}>`;
  if (facts.cipher !== '') text += `\r\n\ttls ${clause(facts.cipher)}`;
  if (facts.priority !== 0) text += `\r\n\tpriority ${facts.priority}`;
  text += `;\r\n\t${facts.date}\r\n`;
  return Buffer.from(text, 'utf8');
}

const plainClause = /^[A-Za-z0-9!#$%&'*+\-./=?^_`{|}~@:[\]]{1,255}$/;
// Space and below, delete, and what would quote, comment, or end a clause or path.
const clauseBreakers = /[\u0000-\u0020"(),;<>\\\u007f-\u009f\u2028\u2029]/gu;

function clause(text: string): string {
  if (plainClause.test(text)) return text;
  return text.slice(0, clauseLengthMax).toWellFormed().replace(clauseBreakers, '?');
}
