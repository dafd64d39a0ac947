/**
 * What a user of a mailbox does: commands with weights, and the profiles that ship.
 *
 * Runs in:   load generator; pure.
 * Specs:     RFC 9051 §6 (commands), RFC 2177 (IDLE).
 * Limits:    `commandCharsMax` a command.
 */

import { Buffer } from 'node:buffer';
import type { Weighted } from '../../corpus/mix.ts';

const commandCharsMax = 4_000;
export const profileNames = ['sync', 'idle', 'search', 'triage'] as const;
export type ProfileName = (typeof profileNames)[number];

/**
 * A command as it is written in a scenario. Places in it: `{message}`, `{newest}`, `{last:N}`,
 * `{mailbox}`.
 */
export interface StepPlan extends Weighted {
  readonly command: string;
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

type Place = 'message' | 'newest' | 'mailbox' | number;

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
export function readStep(command: string): Step {
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
    operation: `imap.${name.toLowerCase()}`,
    isIdle: name === 'IDLE',
    needsMessages: rest.some(({ place }) => place !== 'mailbox'),
    before: pieces[0]!,
    rest,
  };
}

function readPlace(place: string): Place {
  if (place === 'message' || place === 'newest' || place === 'mailbox') return place;
  const count = Number(/^last:([1-9]\d{0,8})$/.exec(place)?.[1]);
  if (Number.isInteger(count)) return count;
  throw new Error(`"{${place}}" is no place; there are {message}, {newest}, {last:50}, {mailbox}`);
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
    else command += `${Math.max(1, exists - place + 1)}:${exists}`;
    command += text;
  }
  return command;
}

/** A text in quotes (RFC 9051 §4.3); what is beyond ASCII leaves as UTF-8. */
export function quoted(text: string): string {
  const escaped = text.replaceAll(/["\\]/g, (character) => `\\${character}`);
  return `"${Buffer.from(escaped, 'utf8').toString('latin1')}"`;
}
