/**
 * Gathers what a run wants done, and sees that it fits together.
 *
 * Runs in:   engine threads and jobs; one per run.
 * Specs:     RFC 5228 §2.10 (one copy a mailbox and address, the implicit keep), RFC 5429 §2.1.2 and §2.2 (what a
 *            refusal excludes), RFC 5230 §4.7 (one answer).
 * Limits:    `actionsMax`, `redirectsMax`, `notifiesMax`, `headerEditsMax`.
 */

import { SieveFault } from '../fault.ts';
import { runLimits } from '../limits.ts';
import type { Action, DuplicateMark } from './actions.ts';

const refusals: ReadonlySet<string> = new Set(['reject', 'ereject']);
/** What says that the message was taken. */
const takings: ReadonlySet<string> = new Set([
  'keep',
  'fileinto',
  'redirect',
  'vacation',
  'snooze',
]);
const edits: ReadonlySet<string> = new Set(['addheader', 'deleteheader']);

interface OutcomeMark {
  readonly actions: number;
  readonly marks: number;
  readonly keepsImplicitly: boolean;
}

export class OutcomeDraft {
  readonly actions: Action[] = [];
  readonly marks: DuplicateMark[] = [];
  keepsImplicitly = true;

  /** How much is asked for so far. */
  mark(): OutcomeMark {
    const { actions, marks, keepsImplicitly } = this;
    return { actions: actions.length, marks: marks.length, keepsImplicitly };
  }

  /** Nothing that was asked for since. */
  backTo({ actions, marks, keepsImplicitly }: OutcomeMark): void {
    this.actions.length = actions;
    this.marks.length = marks;
    this.keepsImplicitly = keepsImplicitly;
  }

  /** `at`: where the script asks for it. */
  add(action: Action, at: number): void {
    const { actions } = this;
    if (actions.some((other) => isSame(other, action))) return;
    this.#demandRoom(action, at);
    if (refusals.has(action.action)) {
      const taken = actions.find(
        (other) => takings.has(other.action) || refusals.has(other.action),
      );
      if (taken !== undefined) throw excluded(action, taken, at);
    } else if (takings.has(action.action)) {
      const refused = actions.find((other) => refusals.has(other.action));
      if (refused !== undefined) throw excluded(action, refused, at);
    }
    if (action.action === 'vacation' && actions.some((other) => other.action === 'vacation')) {
      throw new SieveFault(at, 'vacation may be done once');
    }
    actions.push(action);
  }

  #demandRoom(action: Action, at: number): void {
    const isEdit = edits.has(action.action);
    const count = (is: (other: Action) => boolean) => this.actions.filter(is).length;
    const demand = (taken: number, max: number, what: string) => {
      if (taken >= max) throw new SieveFault(at, `more than ${max} ${what}`);
    };
    if (isEdit) {
      const taken = count((other) => edits.has(other.action));
      demand(taken, runLimits.headerEditsMax, 'edits of the header');
      return;
    }
    demand(
      count((other) => !edits.has(other.action)),
      runLimits.actionsMax,
      'actions',
    );
    if (action.action === 'redirect') {
      demand(
        count((other) => other.action === 'redirect'),
        runLimits.redirectsMax,
        'redirects',
      );
    }
    if (action.action === 'notify') {
      demand(
        count((other) => other.action === 'notify'),
        runLimits.notifiesMax,
        'notices',
      );
    }
  }
}

/** RFC 5228 §2.10.3: the second copy to one place is the first. */
function isSame(a: Action, b: Action): boolean {
  if (a.action === 'keep') return b.action === 'keep';
  if (a.action === 'fileinto' && b.action === 'fileinto') {
    return a.mailbox === b.mailbox && a.mailboxId === b.mailboxId && a.specialUse === b.specialUse;
  }
  if (a.action === 'redirect' && b.action === 'redirect') return a.address === b.address;
  return a.action === 'discard' && b.action === 'discard';
}

function excluded(action: Action, other: Action, at: number): SieveFault {
  return new SieveFault(at, `${action.action} and ${other.action} exclude one another`);
}
