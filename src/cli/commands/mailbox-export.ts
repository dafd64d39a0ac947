/** `chaski mailbox export`: takes the mail of an account out, mailbox by mailbox. */

import { resolve } from 'node:path';
import type { ExportedMessage } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import { canonicalName } from '../../mail/wire/imap/mailbox-name.ts';
import { type Command, exitCodes } from '../command.ts';
import type { Control } from '../control-client.ts';
import { openEmlWriter } from '../mail-files/eml-writer.ts';
import { openMaildirWriter } from '../mail-files/maildir-writer.ts';
import { openMboxWriter } from '../mail-files/mbox-writer.ts';
import { sourceFormats } from '../mail-files/source.ts';
import { type ExportMailbox, folderName, type MailboxWriter } from '../mail-files/writer.ts';
import { count, size } from '../output.ts';
import { Progress } from '../progress.ts';
import { oneOf } from './mailbox-import.ts';

export const exporting: Command = {
  name: 'mailbox export',
  summary: 'Write the mail of an account as .eml files, a Maildir++ tree or mbox files.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  options: {
    to: { type: 'string', value: 'DIR', doc: 'Where to; ./ACCOUNT when left out.' },
    mailbox: { type: 'string', value: 'NAME', doc: 'Only this mailbox.' },
    format: {
      type: 'string',
      value: 'FORMAT',
      doc: `One of ${sourceFormats.join(', ')}; eml when left out.`,
    },
  },
  examples: [
    'mailbox export ann@example.org --to /backup/ann',
    'mailbox export ann@example.org --format maildir --to /home/ann/Maildir',
  ],
  notes:
    'Flags and dates of arrival are kept in each format, and "mailbox import" reads them back. Run again, it goes on behind the last message that is there; nothing is written over. A Maildir has room for 26 keywords a mailbox.',
  async run({ arguments: [account], options, output, control }) {
    const folder = resolve(options.text('to') ?? folderName(account!));
    const format = oneOf(options, 'format', sourceFormats) ?? 'eml';
    const connection = await control();
    const { mailboxes } = await connection.call('mailbox.list', { account: account! });
    const given = options.text('mailbox');
    const wanted = mailboxes.filter(
      ({ name }) => given === undefined || name === canonicalName(given),
    );
    if (wanted.length === 0) throw new MailError('not-found', `mailbox ${given}`);
    const progress = new Progress(output);
    let isLess = false;
    const open = (mailbox: ExportMailbox): MailboxWriter => {
      if (format === 'eml') return openEmlWriter(folder, mailbox);
      if (format === 'mbox') return openMboxWriter(folder, mailbox);
      return openMaildirWriter(folder, mailbox, (keyword) => {
        isLess = true;
        output.fault('keyword-lost', `${mailbox.name}: no letter is left for keyword ${keyword}`);
      });
    };
    const sum = { count: 0, bytes: 0 };
    for (const mailbox of wanted) {
      const call = { control: connection, account: account!, mailbox: mailbox.name };
      await exportMailbox(call, open(mailbox), (bytes) => {
        sum.count++;
        sum.bytes += bytes;
        progress.at('exported', sum.count, sum.bytes);
      });
    }
    output.result({ folder, format, ...sum }, (shown) => {
      const messages = count(shown.count, 'message');
      return `Wrote ${messages} (${size(shown.bytes)}) to ${shown.folder}.`;
    });
    return isLess ? exitCodes.failed : exitCodes.done;
  },
};

interface MailboxCall {
  readonly control: Control;
  readonly account: string;
  readonly mailbox: string;
}

async function exportMailbox(
  { control, account, mailbox }: MailboxCall,
  writer: MailboxWriter,
  onMessage: (bytes: number) => void,
): Promise<void> {
  const pieces = new Pieces();
  try {
    const params = { account, mailbox, fromUid: writer.firstUid };
    await control.call('mailbox.export', params, {
      onItem: (item, body) => {
        const bytes = pieces.add(item, body);
        if (bytes === undefined) return;
        const { uid, internalMs, flags } = item;
        writer.write({ uid, internalMs, flags, bytes });
        onMessage(bytes.length);
      },
    });
  } finally {
    writer.close();
  }
}

/** Joins the pieces of one message. */
class Pieces {
  #uid = 0;
  #pieces: Uint8Array[] = [];

  /** The message, once it is whole. */
  add({ uid, size: bytes, offset }: ExportedMessage, body: Uint8Array): Buffer | undefined {
    if (uid !== this.#uid || offset === 0) this.#pieces = [];
    this.#uid = uid;
    // Gone in the middle: what came of it is dropped.
    if (bytes < 0) return undefined;
    this.#pieces.push(body);
    if (offset + body.byteLength < bytes) return undefined;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return whole;
  }
}
