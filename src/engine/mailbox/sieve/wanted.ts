/**
 * What scripts want done with one copy of a message: their actions, sorted by who does them.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5228 §2.10, RFC 5293 §6 (an edit is for the actions behind it), RFC 5429 §2 (refusals).
 * Invariant: a message that nobody discards or refuses is somewhere: in a mailbox, or on its way to another address.
 *            No script files into a mailbox that is not shown.
 */

import type { HeaderEdit } from '../../../mail/sieve/message/edited.ts';
import type { Action, DuplicateMark, Filing, Vacation } from '../../../mail/sieve/run/actions.ts';
import type { SieveLists } from '../../../mail/sieve/run/host.ts';
import type { Outcome, RunFault } from '../../../mail/sieve/run/run.ts';
import { isHidden } from '../rows/mailbox-row.ts';
import { roleOf } from './host.ts';

/** Of one list: a message becomes as many. */
const listRedirectsMax = 25;

type Redirect = Extract<Action, { readonly action: 'redirect' }>;
type Snooze = Extract<Action, { readonly action: 'snooze' }>;
type Notify = Extract<Action, { readonly action: 'notify' }>;

/** Where a copy goes, and until when it stays there. */
export interface WantedPlace extends Filing {
  readonly snoozed?: Snooze;
}

/** One text, and the mailboxes it goes to. */
export interface WantedCopy {
  readonly edits: readonly HeaderEdit[];
  /** At least one. */
  readonly places: readonly WantedPlace[];
}

export interface WantedRedirect {
  readonly address: string;
  readonly edits: readonly HeaderEdit[];
}

export interface Wanted {
  readonly copies: readonly WantedCopy[];
  readonly redirects: readonly WantedRedirect[];
  /** To whoever did not have it lately. */
  readonly answer?: Vacation & { readonly to: string };
  readonly notices: readonly Notify[];
  readonly marks: readonly DuplicateMark[];
  /** By what its redirects are known again. */
  readonly sentOn?: readonly DuplicateMark[];
  /** The message goes back with these words. */
  readonly refusal?: string;
  readonly fault?: RunFault;
}

const inbox = 'INBOX';
/** Made where an account has none. */
const snoozePlace: Filing = { mailbox: 'Snoozed', specialUse: '\\Snoozed', create: true };

/** `lists`: whom a redirect to a list goes to; one to none, or to more than may be, keeps the message. */
export function wantedOf(
  { actions, marks, fault }: Outcome,
  lists: Pick<SieveLists, 'members'>,
): Wanted {
  const edits: HeaderEdit[] = [];
  const copies: { edits: readonly HeaderEdit[]; places: WantedPlace[] }[] = [];
  const redirects: WantedRedirect[] = [];
  const notices: Notify[] = [];
  let answer: Wanted['answer'];
  let refusal: string | undefined;
  let addresses: readonly string[];
  const file = (place: WantedPlace) => {
    const last = copies.at(-1);
    if (last !== undefined && last.edits.length === edits.length) last.places.push(place);
    else copies.push({ edits: [...edits], places: [place] });
  };
  for (const action of actions) {
    switch (action.action) {
      case 'addheader':
      case 'deleteheader':
        edits.push(action);
        break;
      case 'keep':
        file({ mailbox: inbox, ...(action.flags === undefined ? {} : { flags: action.flags }) });
        break;
      case 'fileinto':
        file(shown(action));
        break;
      case 'redirect':
        addresses = addressesOf(action, lists);
        if (addresses.length === 0) file({ mailbox: inbox });
        redirects.push(...addresses.map((address) => ({ address, edits: [...edits] })));
        break;
      case 'vacation':
        if (action.to !== undefined) answer = { ...withShownFcc(action), to: action.to };
        break;
      case 'notify':
        notices.push(withShownFcc(action));
        break;
      case 'reject':
      case 'ereject':
        refusal = action.reason;
        break;
      case 'snooze':
        file({ ...snoozePlace, snoozed: action });
        break;
      case 'discard':
        break;
    }
  }
  return {
    ...{ copies, redirects, notices, marks },
    ...(answer === undefined ? {} : { answer }),
    ...(refusal === undefined ? {} : { refusal }),
    ...(fault === undefined ? {} : { fault }),
  };
}

/** None: there is nobody, or there are too many. */
function addressesOf(
  { address, isList }: Redirect,
  lists: Pick<SieveLists, 'members'>,
): readonly string[] {
  if (isList !== true) return [address];
  const members = lists.members(address);
  return members.length > listRedirectsMax ? [] : members;
}

/** A use that only the server files by is one that no mailbox has (RFC 8579 §4). */
function shown<T extends Filing>(place: T): T {
  if (!isHidden(roleOf(place.specialUse))) return place;
  const { specialUse: _hidden, ...rest } = place;
  return rest as T;
}

function withShownFcc<T extends { readonly fcc?: Filing }>(action: T): T {
  return action.fcc === undefined ? action : { ...action, fcc: shown(action.fcc) };
}

/** In INBOX and nothing else. */
export const keptOnly: Wanted = {
  copies: [{ edits: [], places: [{ mailbox: inbox }] }],
  ...{ redirects: [], notices: [], marks: [] },
};
