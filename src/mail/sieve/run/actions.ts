/**
 * What a run asks to be done with the message. The interpreter does none of it.
 *
 * Specs:     RFC 5228 §4, RFC 5230 (vacation), RFC 5232 (flags), RFC 5293 (edits), RFC 5429 (reject), RFC 5435
 *            (notify), RFC 8580 (fcc), draft-ietf-extra-sieve-snooze.
 * Invariant: actions stand in the order they are to be done in. An edit of the header is for those behind it.
 */

/** Where a copy goes that a script makes. */
export interface Filing {
  readonly mailbox: string;
  /** Make the mailbox where it is missing; else the message is kept in INBOX (RFC 5490 §3.2). */
  readonly create?: true;
  /** Used where there is such a mailbox, before `mailbox` (RFC 9042 §4). */
  readonly mailboxId?: string;
  /** Used where a mailbox has it, before `mailbox` (RFC 8579 §4). */
  readonly specialUse?: string;
  /** Undefined: those that the message would have anyhow. */
  readonly flags?: readonly string[];
}

export interface Keep {
  readonly action: 'keep';
  readonly flags?: readonly string[];
  /** Nothing in the script cancelled it (RFC 5228 §2.10.2). */
  readonly isImplicit?: true;
}

export interface FileInto extends Filing {
  readonly action: 'fileinto';
}

export interface Redirect {
  readonly action: 'redirect';
  readonly address: string;
  /** `address` names an external list (RFC 6134 §2.4). */
  readonly isList?: true;
}

export interface Vacation {
  readonly action: 'vacation';
  /** The envelope sender; undefined where no answer is due, and `withheld` says why. */
  readonly to?: string;
  readonly withheld?: string;
  readonly from?: string;
  readonly subject: string;
  readonly reason: string;
  /** `reason` is a MIME part with its header. */
  readonly isMime?: true;
  /** The same sender gets no other answer of this handle for so long. */
  readonly handle: string;
  readonly seconds: number;
  readonly fcc?: Filing;
}

export interface Notify {
  readonly action: 'notify';
  /** A URI. */
  readonly method: string;
  readonly message: string;
  /** The script gave no `:message`: what the method says goes before it. */
  readonly isDefault?: true;
  /** 1 is the highest, 3 the lowest. */
  readonly importance: 1 | 2 | 3;
  readonly from?: string;
  readonly options: readonly string[];
  readonly fcc?: Filing;
}

export interface AddHeader {
  readonly action: 'addheader';
  readonly name: string;
  /** Text: what is not ASCII is yet to be encoded. */
  readonly value: string;
  /** Behind all fields, not before them. */
  readonly last?: true;
}

export interface DeleteHeader {
  readonly action: 'deleteheader';
  readonly name: string;
  /** Which of the fields of that name, from 1, as they stand when it is done. */
  readonly index: number;
}

export interface Snooze {
  readonly action: 'snooze';
  readonly mailbox?: string;
  readonly create?: true;
  readonly mailboxId?: string;
  readonly specialUse?: string;
  readonly addFlags: readonly string[];
  readonly removeFlags: readonly string[];
  /** When it comes back. */
  readonly untilMs: number;
}

export type Action =
  | Keep
  | FileInto
  | Redirect
  | { readonly action: 'discard' }
  | { readonly action: 'reject' | 'ereject'; readonly reason: string }
  | Vacation
  | Notify
  | AddHeader
  | DeleteHeader
  | Snooze;

/** An identifier to be remembered once the actions are done (RFC 7352 §3). */
export interface DuplicateMark {
  readonly key: string;
  readonly seconds: number;
}
