/** `chaski migrate imap`: copies an account from another IMAP server. */

import { resolve } from 'node:path';
import { MailError } from '../../base/errors.ts';
import { mebibyte } from '../../base/units.ts';
import { nameFault } from '../../mail/wire/imap/mailbox-name.ts';
import { type Command, type CommandCall, exitCodes, UsageError } from '../command.ts';
import type { Control } from '../control-client.ts';
import { ImportRun } from '../mail-files/import-run.ts';
import type { SourceItem } from '../mail-files/source-item.ts';
import { folderName } from '../mail-files/writer.ts';
import { type PlannedFolder, planFolders } from '../migrate/folder-plan.ts';
import { type ImapPlace, ImapSource, type SourceMessages } from '../migrate/imap-source.ts';
import { Position } from '../migrate/position.ts';
import { readAhead } from '../migrate/read-ahead.ts';
import { count, type Output, size, table } from '../output.ts';
import { Progress } from '../progress.ts';
import { readPassword } from './account.ts';
import { made } from './mailbox-import.ts';

const connectionsDefault = 4;
const connectionsMax = 16;
const pieceCountMax = 500;
const pieceBytesMax = 8 * mebibyte;

const imap: Command = {
  name: 'migrate imap',
  summary: 'Copy an account from another IMAP server.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  options: {
    from: {
      type: 'string',
      value: 'URL',
      doc: 'The other server: imaps://HOST[:PORT], or imap://HOST[:PORT] with STARTTLS.',
    },
    user: { type: 'string', value: 'NAME', doc: 'Who logs in there.' },
    'password-stdin': { type: 'boolean', doc: 'Read its password from standard input.' },
    connections: {
      type: 'string',
      value: 'N',
      doc: `Connections at a time, 1 to ${connectionsMax}; ${connectionsDefault} when left out.`,
    },
    mailbox: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      doc: 'Only this mailbox, as it is called there. May stand more than once.',
    },
    without: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      doc: 'Not this mailbox. May stand more than once.',
    },
    position: {
      type: 'string',
      value: 'FILE',
      doc: 'Where it is noted how far the copy is; ./ACCOUNT.migration.json when left out.',
    },
    'dry-run': { type: 'boolean', doc: 'Show what would be copied; nothing is changed.' },
    'any-certificate': { type: 'boolean', doc: "Take the other server's certificate unproven." },
  },
  examples: [
    '|printf \'%s\\n\' "$PASSWORD" | chaski migrate imap ann@example.org --from imaps://imap.example.net --user ann --password-stdin --dry-run',
  ],
  notes:
    'Flags, keywords, dates of arrival and subscriptions come along; mailboxes with a special use go to those of the same use here. Run again, it goes on where it was, and brings what is new; no message is doubled. Views as "All Mail" and "Starred" are copied only when named with --mailbox.',
  async run(call) {
    const { arguments: line, options } = call;
    const place = await placeOf(call);
    const connections = options.number('connections', 1, connectionsMax) ?? connectionsDefault;
    const sources = Array.from({ length: connections }, () => new ImapSource(place));
    try {
      return await migrate(call, line[0]!, sources, `${place.user} at ${place.host}`);
    } finally {
      await Promise.all(sources.map((source) => source.close()));
    }
  },
};

interface Folder extends PlannedFolder, SourceMessages {}

interface Piece {
  readonly folder: Folder;
  readonly uids: readonly number[];
}

async function migrate(
  call: CommandCall,
  account: string,
  sources: readonly ImapSource[],
  name: string,
): Promise<number> {
  const { options, output } = call;
  const connection = await call.control();
  const path = resolve(options.text('position') ?? `${folderName(account)}.migration.json`);
  const position = new Position(path, `${name} to ${account}`);
  const folders = await foldersOf(call, connection, account, sources, position);
  if (options.isSet('dry-run')) {
    output.result(folders.map(shownOf), (shown) =>
      table(
        ['THERE', 'HERE', 'MESSAGES', 'SIZE'],
        shown.map((one) => [one.from, one.to, one.messageCount, size(one.bytes)]),
      ),
    );
    return exitCodes.done;
  }
  return await copy({ connection, account, sources, position, output }, folders);
}

interface Copying {
  readonly connection: Control;
  readonly account: string;
  readonly sources: readonly ImapSource[];
  readonly position: Position;
  readonly output: Output;
}

async function copy(
  { connection, account, sources, position, output }: Copying,
  folders: readonly Folder[],
): Promise<number> {
  const progress = new Progress(output);
  let current: Folder | undefined;
  const run = new ImportRun({
    control: connection,
    account,
    onFault: (place, reason) => output.fault('message-unreadable', `${place}: ${reason}`),
    onProgress: ({ importedCount, knownCount, bytes }) =>
      progress.at('copied', importedCount + knownCount, bytes),
    onStored: (_, uid) => {
      if (current !== undefined) position.reached(current.path, current.uidValidity, uid);
    },
  });
  const possible: Folder[] = [];
  for (const folder of folders) {
    if (await made(connection, account, folder.target, output)) possible.push(folder);
    else run.counts.faultCount++;
  }
  const pieces = possible.flatMap(piecesOf);
  const readers = sources.map(
    (source) => (piece: Piece) => source.read(piece.folder.path, piece.uids),
  );
  const results = readAhead(pieces, readers, 2 * readers.length)[Symbol.asyncIterator]();
  try {
    for (const folder of possible) {
      const { target: mailbox, isSubscribed } = folder;
      current = folder;
      if (isSubscribed) await connection.call('mailbox.subscribe', { account, name: mailbox });
      await run.mailbox(mailbox, itemsOf(results, piecesOf(folder).length));
    }
  } finally {
    await results.return?.();
    position.save();
  }
  const { importedCount, knownCount, faultCount, bytes } = run.counts;
  const value = { mailboxCount: possible.length, importedCount, knownCount, faultCount, bytes };
  output.result(value, (shown) => {
    const known = shown.knownCount === 0 ? '' : `, ${shown.knownCount} were there`;
    const faults = shown.faultCount === 0 ? '' : `, ${shown.faultCount} could not be copied`;
    const messages = count(shown.importedCount, 'message');
    return `Copied ${messages} of ${count(shown.mailboxCount, 'mailbox', 'mailboxes')}${known}${faults} (${size(shown.bytes)}).`;
  });
  return faultCount > 0 ? exitCodes.failed : exitCodes.done;
}

async function* itemsOf(
  results: AsyncIterator<SourceItem[]>,
  pieceCount: number,
): AsyncIterable<SourceItem> {
  for (let piece = 0; piece < pieceCount; piece++) {
    const result = await results.next();
    if (result.done === true) return;
    yield* result.value;
  }
}

/** Folders to copy, each with what is not here yet. */
async function foldersOf(
  { options, output }: CommandCall,
  control: Control,
  account: string,
  sources: readonly ImapSource[],
  position: Position,
): Promise<Folder[]> {
  const { mailboxes } = await control.call('mailbox.list', { account });
  const roles = new Map(mailboxes.map(({ role, name }) => [role, name]));
  const wanted = options.texts('mailbox');
  const unwanted = options.texts('without');
  const choice = { wanted, unwanted, roles };
  const all = planFolders(await sources[0]!.folders(), choice);
  const missing = wanted.find((name) => !all.some(({ path }) => path === name));
  if (missing !== undefined) throw new MailError('not-found', `mailbox ${missing} over there`);
  const planned = all.filter(({ path, target }) => {
    const fault = nameFault(target);
    if (fault !== undefined) output.fault('mailbox-invalid', `${path}: ${fault}`);
    return fault === undefined;
  });
  const readers = sources.map((source) => async (folder: PlannedFolder): Promise<Folder> => {
    const after = (uidValidity: number) => position.of(folder.path, uidValidity);
    return { ...folder, ...(await source.messages(folder.path, after)) };
  });
  const folders: Folder[] = [];
  for await (const folder of readAhead(planned, readers, readers.length)) folders.push(folder);
  return folders;
}

function shownOf({ path, target, uids, sizes }: Folder) {
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  return { from: path, to: target, messageCount: uids.length, bytes };
}

function piecesOf(folder: Folder): Piece[] {
  const pieces: Piece[] = [];
  let uids: number[] = [];
  let bytes = 0;
  for (const [at, uid] of folder.uids.entries()) {
    const more = folder.sizes[at]!;
    if (uids.length === pieceCountMax || (uids.length > 0 && bytes + more > pieceBytesMax)) {
      pieces.push({ folder, uids });
      uids = [];
      bytes = 0;
    }
    uids.push(uid);
    bytes += more;
  }
  if (uids.length > 0) pieces.push({ folder, uids });
  return pieces;
}

/** @throws UsageError */
async function placeOf({ options, input }: CommandCall): Promise<ImapPlace> {
  const from = options.text('from');
  const user = options.text('user');
  if (from === undefined) throw new UsageError('--from is missing');
  if (user === undefined) throw new UsageError('--user is missing');
  if (!options.isSet('password-stdin')) {
    throw new UsageError('give the password with --password-stdin');
  }
  const url = URL.canParse(from) ? new URL(from) : undefined;
  const isSecure = url?.protocol === 'imaps:';
  if (url === undefined || url.hostname === '' || (!isSecure && url.protocol !== 'imap:')) {
    throw new UsageError(`--from: "${from}" is not imaps://HOST[:PORT] or imap://HOST[:PORT]`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--from takes no user and no password');
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 993 : 143) : Number(url.port),
    isSecure,
    user,
    password: await readPassword(input),
    mustVerify: !options.isSet('any-certificate'),
  };
}

export const migrateCommands: readonly Command[] = [imap];
