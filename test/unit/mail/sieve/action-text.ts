/** Actions of a run as cases write them. */

import type { Action, Filing } from '../../../../src/mail/sieve/run/actions.ts';

export function actionText(action: Action): string {
  switch (action.action) {
    case 'keep':
      return `${action.isImplicit ? 'implicit ' : ''}keep${flagText(action.flags)}`;
    case 'fileinto':
      return `fileinto ${filingText(action)}`;
    case 'redirect':
      return `redirect ${action.isList ? 'list ' : ''}${action.address}`;
    case 'discard':
      return 'discard';
    case 'reject':
    case 'ereject':
      return `${action.action} ${JSON.stringify(action.reason)}`;
    case 'vacation': {
      const { to, withheld, from, subject, reason, isMime, seconds, fcc } = action;
      const target = to === undefined ? `withheld (${withheld})` : `to ${to}`;
      const more = `${from === undefined ? '' : ` from ${from}`}${isMime ? ' mime' : ''}`;
      const copy = fcc === undefined ? '' : ` fcc ${filingText(fcc)}`;
      return `vacation ${target}${more} ${JSON.stringify(subject)} ${JSON.stringify(reason)} ${seconds}${copy}`;
    }
    case 'notify': {
      const { method, importance, message, from, options, fcc } = action;
      const more = `${from === undefined ? '' : ` from ${from}`}${options.map((text) => ` ${text}`).join('')}`;
      const copy = fcc === undefined ? '' : ` fcc ${filingText(fcc)}`;
      return `notify ${method} ${importance} ${JSON.stringify(message)}${more}${copy}`;
    }
    case 'addheader':
      return `addheader ${action.name}: ${action.value}${action.last ? ' (last)' : ''}`;
    case 'deleteheader':
      return `deleteheader ${action.name} ${action.index}`;
    case 'snooze': {
      const { mailbox, create, mailboxId, specialUse, addFlags, removeFlags, untilMs } = action;
      const place = [mailbox, create && 'create', mailboxId, specialUse].filter(Boolean);
      const flags = [
        ...addFlags.map((flag) => `+${flag}`),
        ...removeFlags.map((flag) => `-${flag}`),
      ];
      return ['snooze', new Date(untilMs).toISOString(), ...place, ...flags].join(' ');
    }
  }
}

function filingText({ mailbox, create, mailboxId, specialUse, flags }: Filing): string {
  const more = [
    create && 'create',
    mailboxId && `id ${mailboxId}`,
    specialUse && `use ${specialUse}`,
  ];
  return [mailbox, ...more].filter(Boolean).join(' ') + flagText(flags);
}

function flagText(flags: readonly string[] | undefined): string {
  return flags === undefined ? '' : ` (${flags.join(' ')})`;
}
