/**
 * What a user of a mailbox does: commands with weights, and the profiles that ship.
 *
 * Runs in:   load generator; pure.
 * Specs:     RFC 9051 §6 (commands), RFC 2177 (IDLE).
 * Limits:    `commandCharsMax` a command as it is written; `someCountMax` messages chosen by one.
 */

import { Buffer } from 'node:buffer';
import { mixTurn, type Weighted } from '../../corpus/mix.ts';

const commandCharsMax = 4_000;
const someCountMax = 5_000;
export const profileNames = ['sync', 'idle', 'search', 'triage'] as const;
export type ProfileName = (typeof profileNames)[number];

/**
 * A command as it is written in a scenario. Places in it: `{message}`, `{newest}`, `{last:N}`, `{some:N}`,
 * `{mailbox}`.
 */
export interface StepPlan extends Weighted {
  readonly command: string;
  /** Of the operation in the report; absent: by the command's first word. */
  readonly name?: string;
  /** So often in a row; where steps have it they are given in the order they are written in, round and round. */
  readonly times?: number;
}

/** Which step comes when, as indexes. */
export interface StepTurn {
  readonly turn: Uint32Array;
  /** Whether it is begun at its first step; others begin anywhere: users do not act in step. */
  readonly isOrdered: boolean;
}

export function turnOf(steps: readonly StepPlan[]): StepTurn {
  const isOrdered = steps.every(({ times }) => times !== undefined);
  if (!isOrdered) return { turn: mixTurn(steps), isOrdered };
  const turn = steps.flatMap(({ times }, index) => new Array<number>(times!).fill(index));
  return { turn: Uint32Array.from(turn), isOrdered };
}

/** None removes anything: a run may be repeated on the same mailboxes. */
export const profiles: Readonly<Record<ProfileName, readonly StepPlan[]>> = {
  sync: [
    { weight: 4, command: 'NOOP' },
    { weight: 1, command: 'LIST "" "*"' },
    { weight: 1, command: 'SELECT {mailbox}' },
    { weight: 2, command: 'FETCH {last:100} (UID FLAGS)' },
    { weight: 2, command: 'FETCH {last:20} (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)' },
    { weight: 2, command: 'FETCH {message} (UID BODY.PEEK[])' },
  ],
  idle: [
    { weight: 3, command: 'IDLE' },
    { weight: 1, command: 'FETCH {newest} (UID FLAGS ENVELOPE)' },
  ],
  search: [
    { weight: 3, command: 'UID SEARCH UNSEEN' },
    { weight: 2, command: 'UID SEARCH FROM "example"' },
    { weight: 2, command: 'UID SEARCH SUBJECT "report"' },
    { weight: 2, command: 'UID SEARCH TEXT "meeting"' },
    { weight: 1, command: 'UID SEARCH LARGER 100000 NOT DELETED' },
    { weight: 2, command: 'FETCH {message} (UID FLAGS ENVELOPE)' },
  ],
  triage: [
    { weight: 4, command: 'FETCH {message} (UID BODY.PEEK[])' },
    { weight: 3, command: 'STORE {message} +FLAGS.SILENT (\\Seen)' },
    { weight: 1, command: 'STORE {message} -FLAGS.SILENT (\\Seen)' },
    { weight: 1, command: 'STORE {message} +FLAGS (\\Flagged)' },
    { weight: 1, command: 'STORE {message} -FLAGS (\\Flagged)' },
  ],
};

/** Commands that are not a step: those of opening and ending a session, and those that go on after a literal. */
const notSteps = new Set([
  ...['LOGIN', 'AUTHENTICATE', 'STARTTLS', 'LOGOUT', 'COMPRESS', 'APPEND', 'CLOSE', 'UNSELECT'],
]);

type Place =
  | 'message'
  | 'newest'
  | 'mailbox'
  | { readonly last: number }
  | { readonly some: number };

/** A command read once: its text around the places. */
export interface Step {
  /** `imap.fetch`; UID FETCH counts as the same. */
  readonly operation: string;
  readonly isIdle: boolean;
  /** Whether there must be a message for it to make sense. */
  readonly needsMessages: boolean;
  readonly before: string;
  readonly rest: readonly { readonly place: Place; readonly text: string }[];
}

/** Throws a sentence where the command cannot be a step. */
export function readStep({ command, name: operation }: Omit<StepPlan, 'weight'>): Step {
  const name = /^(?:UID +)?([A-Z]+)(?: |$)/i.exec(command)?.[1]?.toUpperCase();
  if (command.length > commandCharsMax || name === undefined || /[^ -~]/.test(command)) {
    throw new Error('a step is one command in ASCII, as "FETCH {message} (FLAGS)"');
  }
  if (notSteps.has(name)) throw new Error(`${name} cannot be a step`);
  const pieces = command.split(/\{([^}]*)\}/);
  const rest: { place: Place; text: string }[] = [];
  for (let i = 1; i < pieces.length; i += 2) {
    rest.push({ place: readPlace(pieces[i]!), text: pieces[i + 1]! });
  }
  return {
    operation: operation ?? `imap.${name.toLowerCase()}`,
    isIdle: name === 'IDLE',
    needsMessages: rest.some(({ place }) => place !== 'mailbox'),
    before: pieces[0]!,
    rest,
  };
}

function readPlace(place: string): Place {
  if (place === 'message' || place === 'newest' || place === 'mailbox') return place;
  const [, kind, digits] = /^(last|some):([1-9]\d{0,8})$/.exec(place) ?? [];
  const count = Number(digits);
  if (kind === 'last') return { last: count };
  if (kind === 'some' && count <= someCountMax) return { some: count };
  const places = `{message}, {newest}, {last:50}, {some:50} (${someCountMax} at most), {mailbox}`;
  throw new Error(`"{${place}}" is no place; there are ${places}`);
}

/** A mailbox as its session sees it. */
export interface SelectedMailbox {
  /** As it is written in a command. */
  readonly name: string;
  readonly exists: number;
}

/** The command for a mailbox; `fraction` chooses among its messages. */
export function writeStep(step: Step, mailbox: SelectedMailbox, fraction: () => number): string {
  const { exists } = mailbox;
  let command = step.before;
  for (const { place, text } of step.rest) {
    if (place === 'message') command += 1 + Math.floor(fraction() * exists);
    else if (place === 'newest') command += exists;
    else if (place === 'mailbox') command += mailbox.name;
    else if ('last' in place) command += `${Math.max(1, exists - place.last + 1)}:${exists}`;
    else command += someOf(exists, place.some, fraction);
    command += text;
  }
  return command;
}

/** Numbers of so many different messages, ascending; of all where there are no more. */
function someOf(exists: number, count: number, fraction: () => number): string {
  if (count >= exists) return `1:${exists}`;
  const some = new Set<number>();
  // Floyd's sample: one draw a number, however near `count` is to all.
  for (let most = exists - count + 1; most <= exists; most++) {
    const number = 1 + Math.floor(fraction() * most);
    some.add(some.has(number) ? most : number);
  }
  return [...some].sort((a, b) => a - b).join(',');
}

/** A text in quotes (RFC 9051 §4.3); what is beyond ASCII leaves as UTF-8. */
export function quoted(text: string): string {
  const escaped = text.replaceAll(/["\\]/g, (character) => `\\${character}`);
  return `"${Buffer.from(escaped, 'utf8').toString('latin1')}"`;
}
