/**
 * Mail as people and shops send it: newsletters, receipts, attachments, invitations, in several variants each.
 *
 * Runs in:   load generator; pure (chance is an argument).
 * Specs:     RFC 2045 to 2047 (MIME), RFC 2369 and RFC 8058 (List-Unsubscribe), RFC 5545 and RFC 6047 (invitations).
 * Limits:    `attachmentBytesMax` an attachment.
 */

import { Buffer } from 'node:buffer';
import { latin1 } from '../../base/bytes.ts';
import type { Random } from '../../ports/random.ts';
import { createForm, type Form, type Framing, idRoom, markRoom, stuffed } from './form.ts';
import { column, paragraph, phrase, pick } from './words.ts';

export const mimeKinds = ['newsletter', 'receipt', 'attachment', 'calendar'] as const;
export type MimeKind = (typeof mimeKinds)[number];

const variantsCount = 16;
const attachmentBytesDefault = 60_000;
const attachmentBytesMax = 100 * 1024 * 1024;

export interface MimeOptions {
  readonly mime: MimeKind;
  /** Of the attached file, before base64; for kinds that have one. */
  readonly attachmentBytes: number | undefined;
  readonly from: string;
  readonly date: string;
  readonly random: Random;
  readonly framing: Framing;
}

interface Content {
  readonly subject: string;
  readonly fields: string;
  readonly type: string;
  readonly body: string;
}

const makers: Readonly<Record<MimeKind, (options: MimeOptions, boundary: string) => Content>> = {
  newsletter,
  receipt,
  attachment,
  calendar,
};

/** Variants for recipients whose address has `toLength` characters. */
export function makeMimeForms(options: MimeOptions, toLength: number): readonly Form[] {
  const size = options.attachmentBytes ?? 0;
  if (size > attachmentBytesMax) throw new Error(`an attachment over ${attachmentBytesMax} bytes`);
  // Large attachments share nothing: fewer variants keep memory small.
  const count = size > 1_000_000 ? 2 : variantsCount;
  return Array.from({ length: count }, (_, variant) => makeForm(options, toLength, variant));
}

function makeForm(options: MimeOptions, toLength: number, variant: number): Form {
  const { from, date, framing, mime } = options;
  const toRoom = '\u0003'.repeat(toLength);
  const content = makers[mime](options, `=_${mime}_${variant}`);
  const header =
    `${markRoom}From: ${phrase(options.random, 2)} <${from}>\r\nTo: <${toRoom}>\r\n` +
    `Subject: ${content.subject}\r\nDate: ${date}\r\nMessage-ID: <${idRoom}@load.invalid>\r\n` +
    `MIME-Version: 1.0\r\n${content.fields}Content-Type: ${content.type}\r\n\r\n`;
  const body = latin1(content.body);
  const bodyWire = framing === 'dots' ? stuffed(body) : body;
  return createForm({ header, toRoom, body: [body], bodyWire: [bodyWire], framing });
}

function newsletter({ random }: MimeOptions, boundary: string): Content {
  const articles = Array.from({ length: 6 }, () => ({
    title: phrase(random, 5),
    text: paragraph(random, 60),
  }));
  const text = articles.map((each) => `${each.title}\r\n\r\n${each.text}\r\n`).join('\r\n');
  const html = articles
    .map(
      ({ title, text: body }, index) =>
        `<tr><td style=3D"padding:16px">\r\n<h2>${title}</h2>\r\n<p>\r\n${body}\r\n</p>\r\n` +
        `<a href=3D"https://news.invalid/${index}">Read on</a></td></tr>\r\n`,
    )
    .join('');
  const page = `<!doctype html>\r\n<html><body><table width=3D"600">\r\n${html}</table></body></html>\r\n`;
  return {
    subject: `${phrase(random, 3)}, ${phrase(random, 4)}`,
    fields:
      'List-Id: Load <list.load.invalid>\r\nList-Unsubscribe: <https://news.invalid/u?x=1>\r\n' +
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n',
    type: `multipart/alternative; boundary="${boundary}"`,
    body: multipart(boundary, [
      textPart('plain', text, 'quoted-printable'),
      textPart('html', page, 'quoted-printable'),
    ]),
  };
}

function receipt({ random }: MimeOptions, boundary: string): Content {
  const lines = Array.from({ length: 3 + Math.floor(random.fraction() * 6) }, () => {
    const price = (1 + random.fraction() * 200).toFixed(2);
    return `${column(phrase(random, 3), 40)}${price.padStart(10)} EUR`;
  });
  const order = `${Math.floor(random.fraction() * 1e9)}`;
  const text = `Thank you for your order ${order}.\r\n\r\n${lines.join('\r\n')}\r\n`;
  const pdf = Buffer.from(`%PDF-1.4\n${lines.join('\n')}\n%%EOF\n`, 'latin1');
  const alternative = `${boundary}_text`;
  return {
    subject: `Your receipt for order ${order}`,
    fields: 'Auto-Submitted: auto-generated\r\n',
    type: `multipart/mixed; boundary="${boundary}"`,
    body: multipart(boundary, [
      `Content-Type: multipart/alternative; boundary="${alternative}"\r\n\r\n${multipart(
        alternative,
        [textPart('plain', text, '7bit'), textPart('html', `<pre>\r\n${text}</pre>\r\n`, '7bit')],
      )}`,
      filePart('application/pdf', `receipt-${order}.pdf`, pdf),
    ]),
  };
}

function attachment({ random, attachmentBytes }: MimeOptions, boundary: string): Content {
  const bytes = Buffer.from(random.bytes(attachmentBytes ?? attachmentBytesDefault));
  const name = `${pick(random).toLowerCase()}.${pick(random, ['jpg', 'pdf', 'zip', 'docx'])}`;
  return {
    subject: phrase(random, 4),
    fields: '',
    type: `multipart/mixed; boundary="${boundary}"`,
    body: multipart(boundary, [
      textPart('plain', `${paragraph(random, 30)}\r\n`, '7bit'),
      filePart('application/octet-stream', name, bytes),
    ]),
  };
}

function calendar({ random, from }: MimeOptions, boundary: string): Content {
  const subject = phrase(random, 4);
  const hour = `${8 + Math.floor(random.fraction() * 9)}`.padStart(2, '0');
  const event =
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Chaski//Load//EN\r\nMETHOD:REQUEST\r\n' +
    `BEGIN:VEVENT\r\nUID:${Buffer.from(random.bytes(12)).toString('hex')}@load.invalid\r\n` +
    `DTSTAMP:20260101T000000Z\r\nDTSTART:20260105T${hour}0000Z\r\nDURATION:PT1H\r\n` +
    `ORGANIZER:mailto:${from}\r\nSUMMARY:${subject}\r\nSEQUENCE:0\r\n` +
    'END:VEVENT\r\nEND:VCALENDAR\r\n';
  return {
    subject: `Invitation: ${subject}`,
    fields: '',
    type: `multipart/mixed; boundary="${boundary}"`,
    body: multipart(boundary, [
      textPart('plain', `${paragraph(random, 20)}\r\n`, '7bit'),
      `Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n${event}`,
      filePart('application/ics', 'invite.ics', latin1(event)),
    ]),
  };
}

function multipart(boundary: string, parts: readonly string[]): string {
  return `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
}

function textPart(subtype: string, text: string, encoding: string): string {
  return `Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}`;
}

function filePart(type: string, name: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,76}/g) ?? [];
  return (
    `Content-Type: ${type}; name="${name}"\r\nContent-Transfer-Encoding: base64\r\n` +
    `Content-Disposition: attachment; filename="${name}"\r\n\r\n${lines.join('\r\n')}\r\n`
  );
}
