/**
 * What a group of IMAP sessions may say in a scenario, and the plan made of it.
 *
 * Runs in:   load generator.
 * Limits:    `usersCountMax` kinds of users, `stepsCountMax` steps each, given `timesMax` times in a row; an IDLE is held
 *            for `holdMsMax` at most.
 */

import {
  choice,
  duration,
  FieldFault,
  list,
  optional,
  type Path,
  positive,
  type Read,
  record,
  text,
  whole,
  withDefault,
} from '../fields.ts';
import type { ImapPlan, UserPlan } from '../load/imap/imap-plan.ts';
import { profileNames, profiles, readStep, type StepPlan } from '../load/imap/steps.ts';
import { clientShape, readClient } from './client-shape.ts';

const usersCountMax = 20;
const stepsCountMax = 100;
const timesMax = 10_000;
/** A report keeps no more of a name. */
const nameCharsMax = 60;
const holdMsDefault = 5_000;
/** RFC 2177: an IDLE is to be renewed at least every 29 minutes. */
const holdMsMax = 29 * 60_000;
const mailboxDefault = 'INBOX';
const profileDefault = 'sync';

const positiveWeight = positive('a number above 0, as 3');
const weight = withDefault(positiveWeight, 1);
const step = record({
  weight: optional(positiveWeight),
  times: optional(whole(1, timesMax)),
  name: optional(text('a name for the report')),
  command: text('a command as "FETCH {message} (FLAGS)"'),
});
const steps = optional(list(step, stepsCountMax));
const profile = optional(choice(profileNames));

export const imapShape = {
  ...clientShape,
  mailbox: withDefault(text('a mailbox as INBOX'), mailboxDefault),
  hold: withDefault(duration(), holdMsDefault),
  profile,
  steps,
  users: optional(list(record({ weight, profile, steps }), usersCountMax)),
};

type ImapValues = { readonly [K in keyof typeof imapShape]: Read<(typeof imapShape)[K]> };
type UserValues = Pick<ImapValues, 'profile' | 'steps'>;

/** `base`: the folder that names of files are relative to. */
export function imapPlan(values: ImapValues, base: string, path: Path): ImapPlan {
  const { mailbox, hold, users } = values;
  if (hold > holdMsMax) throw new FieldFault([...path, 'hold'], 'is over 29m; write less');
  if (/[^ -~]/.test(mailbox)) {
    const message = 'is not ASCII; write it as the server lists it, in modified UTF-7';
    throw new FieldFault([...path, 'mailbox'], message);
  }
  const kinds: readonly UserPlan[] =
    users === undefined
      ? [{ weight: 1, steps: readSteps(values, path) }]
      : users.map((each, index) => ({
          weight: each.weight,
          steps: readSteps(each, [...path, 'users', index]),
        }));
  return { ...readClient(values, base, path), mailbox, holdMs: hold, users: kinds };
}

function readSteps(values: UserValues, path: Path): readonly StepPlan[] {
  if (values.steps === undefined) return profiles[values.profile ?? profileDefault];
  if (values.profile !== undefined) {
    throw new FieldFault(path, 'has profile and steps; write one of them');
  }
  const isOrdered = values.steps.some(({ times }) => times !== undefined);
  return values.steps.map((step, index) => readStepOf(step, isOrdered, [...path, 'steps', index]));
}

function readStepOf(values: Read<typeof step>, isOrdered: boolean, path: Path): StepPlan {
  const { weight, times, name, command } = values;
  if (isOrdered && weight !== undefined) {
    throw new FieldFault(path, 'has a weight where steps have times; write "times" for all');
  }
  if (isOrdered && times === undefined) {
    throw new FieldFault(path, 'lacks "times", which other steps have: write it for all');
  }
  if (name !== undefined && (name.length > nameCharsMax || /[^ -~]/.test(name))) {
    throw new FieldFault([...path, 'name'], `is no name: write ${nameCharsMax} ASCII at most`);
  }
  const plan: StepPlan = {
    ...{ weight: weight ?? 1, command },
    ...(times === undefined ? {} : { times }),
    ...(name === undefined ? {} : { name }),
  };
  try {
    readStep(plan);
  } catch (error) {
    const message = `is not usable: ${(error as Error).message}`;
    throw new FieldFault([...path, 'command'], message);
  }
  return plan;
}
