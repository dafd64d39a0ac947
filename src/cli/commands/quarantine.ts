/** `chaski quarantine list|show|release|delete`: mail of an account that is kept apart. */

import type { HeldView } from '../../actors/asks/quarantine-control.ts';
import { type Command, exitCodes, UsageError } from '../command.ts';
import { count, instant, size } from '../output.ts';

/** Messages asked for in one call. */
const idsPerCall = 1_000;
const idMax = 0xffff_ffff;

const list: Command = {
  name: 'quarantine list',
  summary: "List what is in an account's quarantine.",
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  options: {
    search: { type: 'string', value: 'TEXT', doc: 'Only those with it in sender or subject.' },
  },
  examples: ['quarantine list ann@example.org', 'quarantine list ann@example.org --search invoice'],
  notes: 'ID  WHEN  WHY  SCORE  SIZE  FROM  SUBJECT; the score in percent of what is spam.',
  async run({ arguments: [account], options, output, control }) {
    const search = options.text('search');
    const params = { account: account!, ...(search === undefined ? {} : { search }) };
    const onItem = (held: HeldView) => output.result(held, lineOf);
    await (await control()).call('quarantine.list', params, { onItem });
    return undefined;
  },
};

function lineOf({ id, heldMs, kind, percent, bytes, from, subject }: HeldView): string {
  const score = percent === undefined ? '-' : `${percent}%`;
  return `${id}  ${instant(heldMs)}  ${kind}  ${score}  ${size(bytes)}  ${from}  ${subject}`;
}

const show: Command = {
  name: 'quarantine show',
  summary: 'Print a message in quarantine.',
  arguments: 'ACCOUNT ID',
  argumentCount: [2, 2],
  examples: ['quarantine show ann@example.org 17'],
  notes:
    'The first mebibyte of it; of a message that a policy keeps apart the header alone: its text may be what harms.',
  async run({ arguments: [account, id], output, control }) {
    const params = { account: account!, id: idOf(id!) };
    const answer = await (await control()).call('quarantine.show', params);
    output.result(answer, ({ message }) => {
      const text = Buffer.from(message, 'base64').toString('utf8');
      return text.replaceAll('\r\n', '\n').replace(/\n$/, '');
    });
    return undefined;
  },
};

const release: Command = {
  name: 'quarantine release',
  summary: "Put messages of an account's quarantine into its INBOX.",
  arguments: 'ACCOUNT ID...',
  argumentCount: [2, idsPerCall],
  options: {
    force: { type: 'boolean', doc: 'Those too that a policy keeps apart.' },
  },
  examples: [
    'quarantine release ann@example.org 17 18',
    'quarantine release ann@example.org 19 --force',
  ],
  notes: 'Exit code 1: some are not there, or a policy keeps them apart.',
  async run({ arguments: [account, ...given], options, output, control }) {
    const params = { account: account!, ids: given.map(idOf) };
    const method = options.isSet('force') ? 'quarantine.force' : 'quarantine.release';
    const answer = await (await control()).call(method, params);
    output.result(answer, ({ count: released, refused }) => {
      const left = refused === 0 ? '' : `; ${count(refused, 'message')} kept apart by a policy`;
      return `Released ${count(released, 'message')}${left}.`;
    });
    return answer.count === new Set(given).size ? exitCodes.done : exitCodes.failed;
  },
};

const remove: Command = {
  name: 'quarantine delete',
  summary: "Expunge messages of an account's quarantine.",
  arguments: 'ACCOUNT ID...',
  argumentCount: [2, idsPerCall],
  examples: ['quarantine delete ann@example.org 17'],
  notes: 'Nobody has them back.',
  async run({ arguments: [account, ...given], output, control }) {
    const params = { account: account!, ids: given.map(idOf) };
    const answer = await (await control()).call('quarantine.delete', params);
    output.result(answer, (shown) => `Expunged ${count(shown.count, 'message')}.`);
    return answer.count === new Set(given).size ? exitCodes.done : exitCodes.failed;
  },
};

/** @throws UsageError */
function idOf(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (id >= 1 && id <= idMax) return id;
  throw new UsageError(`"${text}" is no id of a message; see chaski quarantine list ACCOUNT`);
}

export const quarantineCommands: readonly Command[] = [list, show, release, remove];
