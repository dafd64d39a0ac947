/** `chaski mailbox create|import`: makes mailboxes, and brings mail from files into them. */

import { resolve } from 'node:path';
import { MailError } from '../../base/errors.ts';
import { quotings } from '../../mail/formats/mbox/message.ts';
import { type Command, exitCodes, type OptionValues, UsageError } from '../command.ts';
import type { Control } from '../control-client.ts';
import { type ImportCounts, ImportRun } from '../mail-files/import-run.ts';
import { openSource, type SourceOptions, sourceFormats } from '../mail-files/source.ts';
import { count, type Output, size } from '../output.ts';
import { Progress } from '../progress.ts';

const create: Command = {
  name: 'mailbox create',
  summary: 'Make a mailbox; levels above it are made with it.',
  arguments: 'ACCOUNT NAME',
  argumentCount: [2, 2],
  examples: ['mailbox create ann@example.org Lists/2026'],
  async run({ arguments: [account, name], output, control }) {
    const answer = await (await control()).call('mailbox.create', {
      account: account!,
      name: name!,
    });
    output.result(answer, (shown) => `Made ${shown.name}.`);
    return undefined;
  },
};

const importing: Command = {
  name: 'mailbox import',
  summary: 'Bring mail from an mbox, a Maildir or .eml files into an account.',
  arguments: 'ACCOUNT SOURCE',
  argumentCount: [2, 2],
  options: {
    mailbox: {
      type: 'string',
      value: 'NAME',
      doc: 'Where to; folders of the source go below it. INBOX and their own names when left out.',
    },
    format: {
      type: 'string',
      value: 'FORMAT',
      doc: `One of ${sourceFormats.join(', ')}; told by what is found when left out.`,
    },
    separator: {
      type: 'string',
      value: 'TEXT',
      doc: 'Between levels in names of Maildir++ folders; "." when left out.',
    },
    quoting: {
      type: 'string',
      value: 'HOW',
      doc: `How an mbox quotes "From " in texts: ${quotings.join(', ')}; mboxrd when left out.`,
    },
  },
  examples: [
    'mailbox import ann@example.org /var/mail/ann',
    'mailbox import ann@example.org /home/ann/Maildir',
    'mailbox import ann@example.org takeout.mbox --mailbox Archive/Takeout --quoting mboxo',
  ],
  notes:
    'Flags, keywords and dates of arrival come along. A message that the mailbox has already is passed over, so an import that was cut off is simply run again. What cannot be read is named, and the rest goes on; the exit code is 1 then.',
  async run({ arguments: [account, source], options, output, control }) {
    const mailboxes = openSource(resolve(source!), sourceOptions(options));
    const connection = await control();
    const progress = new Progress(output);
    const run = new ImportRun({
      control: connection,
      account: account!,
      onFault: (place, reason) => output.fault('message-unreadable', `${place}: ${reason}`),
      onProgress: ({ importedCount, knownCount, bytes }) =>
        progress.at('imported', importedCount + knownCount, bytes),
    });
    for (const { name, items } of mailboxes) {
      if (await made(connection, account!, name, output)) await run.mailbox(name, items());
      else run.counts.faultCount++;
    }
    const value = { mailboxes: mailboxes.map(({ name }) => name), ...run.counts };
    output.result(value, summaryOf);
    return run.counts.faultCount > 0 ? exitCodes.failed : exitCodes.done;
  },
};

/** False for a folder whose name no mailbox can have. */
export async function made(
  control: Control,
  account: string,
  name: string,
  output: Output,
): Promise<boolean> {
  try {
    await control.call('mailbox.create', { account, name, mayExist: true });
    return true;
  } catch (error) {
    if (!(error instanceof MailError) || error.code !== 'argument-invalid') throw error;
    output.fault('mailbox-invalid', error.detail);
    return false;
  }
}

function summaryOf(shown: ImportCounts & { readonly mailboxes: readonly string[] }): string {
  const { importedCount, knownCount, faultCount, bytes, mailboxes } = shown;
  const into = count(mailboxes.length, 'mailbox', 'mailboxes');
  const known = knownCount === 0 ? '' : `, ${knownCount} were there`;
  const faults = faultCount === 0 ? '' : `, ${faultCount} could not be imported`;
  return `Imported ${count(importedCount, 'message')} into ${into}${known}${faults} (${size(bytes)}).`;
}

/** @throws UsageError */
function sourceOptions(options: OptionValues): SourceOptions {
  const format = oneOf(options, 'format', sourceFormats);
  const mailbox = options.text('mailbox');
  const separator = options.text('separator') ?? '.';
  if (separator === '') throw new UsageError('--separator is empty');
  return {
    ...(format === undefined ? {} : { format }),
    ...(mailbox === undefined ? {} : { mailbox }),
    separator,
    quoting: oneOf(options, 'quoting', quotings) ?? 'mboxrd',
  };
}

/** @throws UsageError */
export function oneOf<T extends string>(
  options: OptionValues,
  name: string,
  known: readonly T[],
): T | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} must be one of ${known.join(', ')}, not "${text}"`);
}

export const mailboxImportCommands: readonly Command[] = [create, importing];
