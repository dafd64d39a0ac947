/**
 * fileinto, and what else says where a copy goes.
 *
 * Specs:     RFC 5228 §4.1, RFC 3894 (:copy), RFC 5490 §3.2 (:create), RFC 8579 §4 (:specialuse), RFC 9042 §4
 *            (:mailboxid), RFC 8580 (:fcc), RFC 5232 (:flags).
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension, TagSpec } from '../compile/spec.ts';
import type { Filing } from '../run/actions.ts';
import type { Machine } from '../run/machine.ts';
import { flagsOf, flagsTag } from './flags.ts';

/** Of a mailbox that is named. */
export const placeTags: readonly TagSpec[] = [
  { name: 'create', extension: 'mailbox' },
  { name: 'specialuse', extension: 'special-use', value: 'string' },
  { name: 'mailboxid', extension: 'mailboxid', value: 'string' },
];

/** RFC 8580 §3. */
export const fccTags: readonly TagSpec[] = [
  { name: 'fcc', extension: 'fcc', value: 'string' },
  ...[...placeTags, flagsTag].map((tag) => ({ ...tag, needs: 'fcc' })),
];

/** RFC 3501 §5.1: what a mailbox may be named. `/` parts levels. */
export function checkMailbox(args: Arguments, argument: string): void {
  const name = args.constant(argument);
  if (name !== undefined) demandMailbox(args, argument, name);
}

const mailboxLengthMax = 1_000;

function demandMailbox(args: Arguments, argument: string, name: string): void {
  const isBad = /[\u0000-\u001f\u007f]/.test(name) || name.length > mailboxLengthMax;
  if (name === '' || isBad) {
    throw args.fault(argument, `${JSON.stringify(name.slice(0, 100))} is no name of a mailbox`);
  }
}

/** RFC 8579 §4.1: a use with its backslash. */
export function checkSpecialUse(args: Arguments): void {
  const use = args.constant(':specialuse');
  if (use !== undefined && !/^\\[A-Za-z]{1,40}$/.test(use)) {
    throw args.fault(':specialuse', `${JSON.stringify(use)} is no special use: "\\Junk" is one`);
  }
}

/** INBOX in any case is one mailbox (RFC 9051 §5.1). */
export function mailboxName(machine: Machine, args: Arguments, argument: string): string {
  const name = machine.text(args.text(argument));
  demandMailbox(args, argument, name);
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

/** What the tags of a place say; `argument` names its mailbox. */
function filingOf(machine: Machine, args: Arguments, argument: string): Filing {
  const specialUse = machine.optionalText(args, ':specialuse');
  const mailboxId = machine.optionalText(args, ':mailboxid');
  return {
    mailbox: mailboxName(machine, args, argument),
    ...(args.has(':create') ? { create: true } : {}),
    ...(specialUse === undefined ? {} : { specialUse }),
    ...(mailboxId === undefined ? {} : { mailboxId }),
  };
}

/** What `:fcc` asks for. Its copy has the flags it is given and no others (RFC 8580 §3.1). */
export function fccOf(machine: Machine, args: Arguments): { readonly fcc?: Filing } {
  if (!args.has(':fcc')) return {};
  const flags = args.has(':flags') ? flagsOf(machine, args) : {};
  return { fcc: { ...filingOf(machine, args, ':fcc'), ...flags } };
}

export const filing: Extension = {
  names: ['fileinto'],
  commands: [
    {
      name: 'fileinto',
      extensions: ['fileinto'],
      tags: [{ name: 'copy', extension: 'copy' }, flagsTag, ...placeTags],
      positional: [{ name: 'mailbox', kind: 'string' }],
      check: (args) => {
        checkMailbox(args, 'mailbox');
        checkSpecialUse(args);
      },
      run: (machine, args) => {
        const place = filingOf(machine, args, 'mailbox');
        if (!args.has(':copy')) machine.outcome.keepsImplicitly = false;
        const flags = flagsOf(machine, args);
        machine.outcome.add({ action: 'fileinto', ...place, ...flags }, args.at);
      },
    },
  ],
};
