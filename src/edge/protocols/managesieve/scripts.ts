/**
 * The commands about scripts.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5804 §2.5 to §2.12.
 */

import { Buffer } from 'node:buffer';
import {
  type PackedPut,
  type PutScript,
  type ScriptDone,
  type SieveCheck,
  type SieveFaults,
  type SieveRoom,
  type SieveScripts,
  sieveAsks,
} from '../../../actors/asks/sieve-asks.ts';
import type { Argument } from '../../../mail/wire/managesieve/reader.ts';
import { stringOf } from '../../../mail/wire/managesieve/response.ts';
import { isSaid } from '../session/serial-session.ts';
import {
  bad,
  type CommandEnd,
  type CommandSession,
  type ManageSieveCommand,
  no,
  ok,
  textOf,
} from './command.ts';
import { failed } from './failed.ts';

const states = ['authenticated'] as const;
/** Faults of a script that are told, or warnings. */
const faultsToldMax = 20;

const roomWords: Readonly<Record<Exclude<SieveRoom, 'free'>, CommandEnd>> = {
  'too-many': no('You have as many scripts as you may', 'QUOTA/MAXSCRIPTS'),
  'too-large': no('The script is too large', 'QUOTA/MAXSIZE'),
  'no-room': no('Your scripts are too large together', 'QUOTA'),
};

const doneWords: Readonly<Record<Exclude<ScriptDone, 'done'>, CommandEnd>> = {
  missing: no('There is no script of that name', 'NONEXISTENT'),
  exists: no('Another script has that name', 'ALREADYEXISTS'),
  active: no('It is the active script', 'ACTIVE'),
};

export const tooLarge = roomWords['too-large'];

function placesOf(faults: SieveFaults): string {
  return faults
    .slice(0, faultsToldMax)
    .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`)
    .join('\r\n');
}

/** RFC 5804 §1.3: what is right, and perhaps not what was meant. */
function okWith(warnings: SieveFaults, words: string): CommandEnd {
  if (warnings.length === 0) return ok(words);
  return { status: 'OK', code: 'WARNINGS', words: placesOf(warnings) };
}

type Asked<T> = { readonly value: T; readonly body?: Uint8Array } | { readonly end: CommandEnd };

async function asked<T>(
  session: CommandSession,
  name: string,
  meta: readonly unknown[],
  body: readonly Uint8Array[] = [],
): Promise<Asked<T>> {
  const answer = await session.ask(name, meta, { body });
  if (session.isEnded) return { end: isSaid };
  if (!answer.ok) return { end: failed(answer) };
  const { value, body: octets } = answer;
  return octets === undefined ? { value: value as T } : { value: value as T, body: octets };
}

/** Commands of so many strings, which are text but for a script's. */
function command(
  name: string,
  count: number,
  run: (session: CommandSession, texts: readonly string[]) => Promise<CommandEnd>,
): ManageSieveCommand {
  return {
    name,
    states,
    run(session, args) {
      const texts = args.map((arg) => textOf(arg));
      const isRight = args.length === count && texts.every((text) => text !== undefined);
      if (!isRight) return bad(`${name} takes ${count === 0 ? 'nothing' : `${count} string(s)`}`);
      return run(session, texts as string[]);
    },
  };
}

function changing(
  ask: string,
): (session: CommandSession, texts: readonly string[]) => Promise<CommandEnd> {
  return async (session, texts) => {
    const { id, tenant } = session.account!;
    const answer = await asked<ScriptDone>(session, ask, [id, tenant, ...texts]);
    if ('end' in answer) return answer.end;
    return answer.value === 'done' ? ok('Done') : doneWords[answer.value];
  };
}

const listScripts = command('LISTSCRIPTS', 0, async (session) => {
  const answer = await asked<SieveScripts>(session, sieveAsks.list, [session.account!.id]);
  if ('end' in answer) return answer.end;
  for (const { name, isActive } of answer.value) {
    session.send(Buffer.concat([stringOf(name), Buffer.from(isActive ? ' ACTIVE\r\n' : '\r\n')]));
  }
  return ok('All of them');
});

const getScript = command('GETSCRIPT', 1, async (session, [name]) => {
  const answer = await asked<boolean>(session, sieveAsks.get, [session.account!.id, name]);
  if ('end' in answer) return answer.end;
  if (!answer.value) return doneWords.missing;
  const text = answer.body ?? Buffer.alloc(0);
  session.send(Buffer.concat([Buffer.from(`{${text.byteLength}}\r\n`), text, Buffer.from('\r\n')]));
  return ok('That was it');
});

async function putScript(session: CommandSession, args: readonly Argument[]): Promise<CommandEnd> {
  const name = textOf(args[0]);
  const script = args[1];
  if (name === undefined || script?.kind !== 'string' || args.length !== 2) {
    return bad('PUTSCRIPT takes a name and a script');
  }
  const { id, tenant, address } = session.account!;
  const meta: PackedPut = [id, tenant, name, address];
  const answer = await asked<PutScript>(session, sieveAsks.put, meta, [script.octets]);
  if ('end' in answer) return answer.end;
  const { value } = answer;
  if (value.result === 'faulty') return no(placesOf(value.faults));
  return value.result === 'stored' ? okWith(value.warnings, 'Kept') : roomWords[value.result];
}

async function checkScript(
  session: CommandSession,
  args: readonly Argument[],
): Promise<CommandEnd> {
  const [script] = args;
  if (script?.kind !== 'string' || args.length !== 1) return bad('CHECKSCRIPT takes a script');
  const meta = [session.account!.address];
  const answer = await asked<SieveCheck>(session, sieveAsks.check, meta, [script.octets]);
  if ('end' in answer) return answer.end;
  const { faults, warnings } = answer.value;
  return faults.length === 0 ? okWith(warnings, 'It is right') : no(placesOf(faults));
}

async function haveSpace(session: CommandSession, args: readonly Argument[]): Promise<CommandEnd> {
  const name = textOf(args[0]);
  const size = args[1];
  if (name === undefined || size?.kind !== 'number' || args.length !== 2) {
    return bad('HAVESPACE takes a name and a number of octets');
  }
  if (size.value === 0) return no('An empty script is not kept');
  const meta = [session.account!.id, name, size.value];
  const answer = await asked<SieveRoom>(session, sieveAsks.room, meta);
  if ('end' in answer) return answer.end;
  return answer.value === 'free' ? ok('There is room') : roomWords[answer.value];
}

export const scriptCommands: readonly ManageSieveCommand[] = [
  listScripts,
  getScript,
  { name: 'PUTSCRIPT', states, run: putScript },
  { name: 'CHECKSCRIPT', states, run: checkScript },
  { name: 'HAVESPACE', states, run: haveSpace },
  command('SETACTIVE', 1, changing(sieveAsks.activate)),
  command('DELETESCRIPT', 1, changing(sieveAsks.remove)),
  command('RENAMESCRIPT', 2, changing(sieveAsks.rename)),
];
