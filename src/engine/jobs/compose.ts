/**
 * The job that builds a message out of its parts.
 *
 * Runs in:   threads marked for jobs.
 * Specs:     RFC 5322, RFC 2045 to 2047, RFC 2231.
 * Invariant: nothing is read from files or the network, whatever the parts say: contents are bytes and texts only.
 */

import type { Answer, Handlers } from '../../actors/ask.ts';
import { composeJob, type MessageParts, type NamedAddress } from '../../actors/asks/compose-job.ts';

export const composeHandlers: Handlers = {
  [composeJob]: (job) => ({ pending: compose(job.meta as MessageParts) }),
};

async function compose(parts: MessageParts): Promise<Answer> {
  // Loaded by the first message that needs it: most servers get theirs by SMTP.
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const { text, html } = parts;
  const composer = new MailComposer({
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
    from: named(parts.from),
    to: parts.to.map(named),
    cc: parts.cc.map(named),
    replyTo: parts.replyTo.map(named),
    subject: parts.subject,
    messageId: parts.messageId,
    date: new Date(parts.dateMs),
    headers: parts.headers.map(([key, value]) => ({ key, value })),
    // A text without a character is a text, too.
    ...(text === undefined ? {} : { text: { content: text } }),
    ...(html === undefined ? {} : { html: { content: html } }),
    attachments: parts.attachments.map((file) => ({
      filename: file.filename,
      contentType: file.contentType,
      contentDisposition: file.isInline ? 'inline' : 'attachment',
      content: Buffer.from(file.content),
      ...(file.contentId === '' ? {} : { cid: file.contentId }),
    })),
  });
  return { ok: true, value: undefined, body: await composer.compile().build() };
}

function named({ name, address }: NamedAddress): { name: string; address: string } {
  return { name, address };
}
