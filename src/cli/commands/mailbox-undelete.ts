/** `chaski mailbox undelete`: lists expunged messages that are kept still, and has them back. */

import type { KeptMessage } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import { type Command, exitCodes, type OptionValues, UsageError } from '../command.ts';
import type { Control } from '../control-client.ts';
import { count, instant, type Output, size } from '../output.ts';

/** Messages asked for in one call. */
const idsPerCall = 1_000;
const idMax = 0xffff_ffff;

export const undelete: Command = {
  name: 'mailbox undelete',
  summary: 'List messages that were expunged, and have them back.',
  arguments: 'ACCOUNT [ID...]',
  argumentCount: [1, idsPerCall],
  options: {
    list: { type: 'boolean', doc: 'Show what can be had back; nothing is changed.' },
    all: { type: 'boolean', doc: 'Have all back that --mailbox and --since leave.' },
    mailbox: { type: 'string', value: 'NAME', doc: 'Only messages that were in this mailbox.' },
    since: {
      type: 'string',
      value: 'DATE',
      doc: 'Only messages expunged since, as 2026-11-22 or 2026-11-22T08:00:00Z.',
    },
    to: {
      type: 'string',
      value: 'NAME',
      doc: 'Put them into this mailbox; where they were when left out.',
    },
    'purge-now': {
      type: 'boolean',
      doc: 'Let go for good of all that could be had back of the account.',
    },
  },
  examples: [
    'mailbox undelete ann@example.org --list --since 2026-11-20',
    'mailbox undelete ann@example.org 1042 1043',
    'mailbox undelete ann@example.org --all --mailbox Sent --to Found',
  ],
  notes:
    'Messages are kept for mailbox.expungedKeepMs after they left their last mailbox. They come back with their flags, under new UIDs; a mailbox that is gone is made again. What is kept does not count towards the quota.',
  async run({ arguments: [account, ...given], options, output, control }) {
    const wanted = wantedOf(options, given);
    const call = { control: await control(), account: account!, filter: filterOf(options) };
    if (wanted.kind === 'list') return await list(call, output);
    if (wanted.kind === 'purge') {
      const purged = await call.control.call('mailbox.purge', { account: account! });
      output.result(purged, (shown) => `Let go of ${count(shown.count, 'message')} for good.`);
      return exitCodes.done;
    }
    const ids = wanted.kind === 'all' ? await idsOf(call) : wanted.ids;
    const restored = await restore(call, ids, options.text('to'));
    output.result({ count: restored, missingCount: ids.length - restored }, (shown) => {
      const missing = shown.missingCount === 0 ? '' : `; ${shown.missingCount} cannot be had back`;
      return `Had ${count(shown.count, 'message')} back${missing}.`;
    });
    return restored === ids.length ? exitCodes.done : exitCodes.failed;
  },
};

interface AccountCall {
  readonly control: Control;
  readonly account: string;
  readonly filter: { readonly mailbox?: string; readonly sinceMs?: number };
}

interface Wanted {
  readonly kind: 'list' | 'all' | 'purge' | 'ids';
  readonly ids: readonly number[];
}

/** @throws UsageError: just one of ids, --list, --all and --purge-now */
function wantedOf(options: OptionValues, given: readonly string[]): Wanted {
  const kinds: Wanted[] = [];
  if (options.isSet('list')) kinds.push({ kind: 'list', ids: [] });
  if (options.isSet('all')) kinds.push({ kind: 'all', ids: [] });
  if (options.isSet('purge-now')) kinds.push({ kind: 'purge', ids: [] });
  if (given.length > 0) kinds.push({ kind: 'ids', ids: given.map(idOf) });
  if (kinds.length !== 1) throw new UsageError('give ids, or one of --list, --all and --purge-now');
  return kinds[0]!;
}

function idOf(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (id >= 1 && id <= idMax) return id;
  throw new UsageError(
    `"${text}" is no id of a message; see chaski mailbox undelete ACCOUNT --list`,
  );
}

/** @throws UsageError */
function filterOf(options: OptionValues): AccountCall['filter'] {
  const mailbox = options.text('mailbox');
  const since = options.text('since');
  const isDate = since === undefined || /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?$/.test(since);
  const sinceMs = since === undefined ? 0 : Date.parse(since);
  if (!isDate || Number.isNaN(sinceMs)) throw new UsageError(`--since: "${since}" is no date`);
  return { sinceMs, ...(mailbox === undefined ? {} : { mailbox }) };
}

/** A line each, as they come. */
async function list({ control, account, filter }: AccountCall, output: Output): Promise<number> {
  await control.call(
    'mailbox.expunged',
    { account, ...filter },
    { onItem: (kept) => output.result(kept, lineOf) },
  );
  return exitCodes.done;
}

function lineOf({ id, mailbox, expungedMs, bytes, from, subject }: KeptMessage): string {
  return `${id}  ${instant(expungedMs)}  ${mailbox}  ${size(bytes)}  ${from}  ${subject}`;
}

async function idsOf({ control, account, filter }: AccountCall): Promise<number[]> {
  const ids: number[] = [];
  const onItem = ({ id }: KeptMessage) => {
    ids.push(id);
  };
  await control.call('mailbox.expunged', { account, ...filter }, { onItem });
  if (ids.length === 0) throw new MailError('not-found', 'nothing can be had back');
  // The oldest first: their UIDs follow each other as they did.
  return ids.sort((a, b) => a - b);
}

async function restore(
  { control, account }: AccountCall,
  ids: readonly number[],
  to: string | undefined,
): Promise<number> {
  let restored = 0;
  for (let at = 0; at < ids.length; at += idsPerCall) {
    const some = ids.slice(at, at + idsPerCall);
    const params = { account, ids: some, ...(to === undefined ? {} : { to }) };
    restored += (await control.call('mailbox.undelete', params)).count;
  }
  return restored;
}
