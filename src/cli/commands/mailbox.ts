/** `chaski mailbox …`: look into an account, and take its mail out as .eml files. */

import { mkdir, open, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExportedMessage } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { count, size, table } from '../output.ts';

const list: Command = {
  name: 'mailbox list',
  summary: 'List the mailboxes of an account.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['mailbox list ann@example.org'],
  async run({ arguments: [account], output, control }) {
    const answer = await (await control()).call('mailbox.list', { account: account! });
    output.result(answer.mailboxes, (shown) =>
      table(
        ['MAILBOX', 'MESSAGES', 'UNSEEN', 'SIZE', 'ROLE'],
        shown.map((each) => [
          each.name,
          each.messageCount,
          each.unseenCount,
          size(each.bytes),
          each.role || '-',
        ]),
      ),
    );
    return undefined;
  },
};

const exporting: Command = {
  name: 'mailbox export',
  summary: 'Write the mail of an account as .eml files, a folder per mailbox.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  options: {
    to: { type: 'string', value: 'DIR', doc: 'Where to; ./ACCOUNT when left out.' },
    mailbox: { type: 'string', value: 'NAME', doc: 'Only this mailbox.' },
  },
  examples: ['mailbox export ann@example.org --to /backup/ann'],
  notes:
    'Files that exist already are not written over; the export stops there. A file has the date of its arrival.',
  async run({ arguments: [account], options, output, control }) {
    const folder = resolve(options.text('to') ?? folderName(account!));
    const mailbox = options.text('mailbox');
    const params = { account: account!, ...(mailbox === undefined ? {} : { mailbox }) };
    const answer = await (await control()).call('mailbox.export', params, {
      onItem: (item, body) => writeMessage(folder, item, body),
    });
    const value = { folder, count: answer.count };
    output.result(value, (shown) => `Wrote ${count(shown.count, 'message')} to ${shown.folder}.`);
    return undefined;
  },
};

async function writeMessage(
  folder: string,
  item: ExportedMessage,
  body: Uint8Array,
): Promise<void> {
  const place = join(folder, ...item.mailbox.split('/').map(folderName));
  await mkdir(place, { recursive: true, mode: 0o700 });
  const path = join(place, `${item.uid}.eml`);
  // 'wx': two exports into one folder must not mix, and no link in it is followed.
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new MailError('not-possible-now', `${path}: ${cause.code ?? cause.message}`, { cause });
  });
  try {
    await file.writeFile(body);
  } finally {
    await file.close();
  }
  const arrived = new Date(item.internalMs);
  await utimes(path, arrived, arrived);
}

/** A mailbox's name as one safe folder name: no separator, no leading dot, no control character. */
function folderName(name: string): string {
  const escaped = name.replaceAll(/[/\\%\u0000-\u001f\u007f]/g, (character) =>
    encodeURIComponent(character),
  );
  return escaped === '' ? '_' : escaped.replace(/^\./, '%2E').slice(0, 200);
}

export const mailboxCommands: readonly Command[] = [list, exporting];
