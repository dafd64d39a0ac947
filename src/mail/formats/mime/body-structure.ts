/**
 * Writes BODYSTRUCTURE and BODY as they go over the wire.
 *
 * Runs in:   engine threads (once per stored message); pure.
 * Specs:     RFC 3501 §7.4.2 and §9, RFC 9051 §7.5.2 and §9 (body); RFC 2231 parameters are sent as written.
 * Invariant: the grammar is kept whatever the message: a multipart shows at least one part, an enclosed message
 *            always an envelope and a body.
 */

import type { Parameter, Parameterised } from '../headers/parameters.ts';
import { readEnvelopeFields, writeEnvelope } from './envelope.ts';
import { imapNstring, imapString } from './imap-text.ts';
import { isEnclosedMessage, type Part } from './structure.ts';

/** `extended`: BODYSTRUCTURE; else BODY. */
export function writeBody(part: Part, extended: boolean): string {
  return part.type === 'multipart' ? multipart(part, extended) : single(part, extended);
}

/** For what the grammar wants and the message lacks. */
const emptyText = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0';
const emptyPart = (extended: boolean) => `${emptyText}${extended ? ' NIL NIL NIL NIL' : ''})`;
const emptyEnvelope = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';

function multipart(part: Part, extended: boolean): string {
  let text = '(';
  if (part.children.length === 0) text += emptyPart(extended);
  for (const child of part.children) text += writeBody(child, extended);
  text += ` ${imapString(part.subtype)}`;
  if (extended) text += ` ${parameters(part.contentType.parameters)}${extension(part)}`;
  return `${text})`;
}

function single(part: Part, extended: boolean): string {
  let text =
    `(${imapString(part.type)} ${imapString(part.subtype)} ` +
    `${parameters(part.contentType.parameters)} ${imapNstring(part.id)} ` +
    `${imapNstring(part.description)} ${imapString(part.encoding)} ${part.bodyEnd - part.bodyStart}`;
  if (part.type === 'text') text += ` ${part.lines}`;
  else if (isEnclosedMessage(part)) {
    const { message } = part;
    const envelope =
      message === undefined ? emptyEnvelope : writeEnvelope(readEnvelopeFields(message.header));
    const body = message === undefined ? emptyPart(extended) : writeBody(message.root, extended);
    text += ` ${envelope} ${body} ${part.lines}`;
  }
  if (extended) text += ` ${imapNstring(part.md5)}${extension(part)}`;
  return `${text})`;
}

/** Disposition, language and location. */
function extension(part: Part): string {
  return ` ${disposition(part.disposition)} ${language(part.language)} ${imapNstring(part.location)}`;
}

function disposition(value: Parameterised | undefined): string {
  if (value === undefined) return 'NIL';
  return `(${imapString(value.value)} ${parameters(value.parameters)})`;
}

function language(value: string | undefined): string {
  if (value === undefined) return 'NIL';
  const tags = value
    .replace(/\([^()]*\)/g, ' ')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  if (tags.length === 0) return 'NIL';
  return tags.length === 1 ? imapString(tags[0]!) : `(${tags.map(imapString).join(' ')})`;
}

function parameters(list: readonly Parameter[]): string {
  if (list.length === 0) return 'NIL';
  let text = '(';
  for (const { name, value } of list) {
    text += `${text === '(' ? '' : ' '}${imapString(name)} ${imapString(value)}`;
  }
  return `${text})`;
}
