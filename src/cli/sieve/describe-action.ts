/** One action of a script as a line for people. */

import type { Action, Filing } from '../../mail/sieve/run/actions.ts';

export function describeAction(action: Action): string {
  switch (action.action) {
    case 'keep':
      return `keep in INBOX${flagWords(action.flags)}${action.isImplicit ? ' (nothing else was asked)' : ''}`;
    case 'fileinto':
      return `file ${place(action)}`;
    case 'redirect':
      return `redirect to ${action.isList ? 'the list ' : ''}${action.address}`;
    case 'discard':
      return 'discard';
    case 'reject':
    case 'ereject':
      return `${action.action}: ${action.reason.trim()}`;
    case 'vacation':
      return action.to === undefined
        ? `vacation: no answer, for ${action.withheld}`
        : `vacation: answer ${action.to} with "${action.subject}", once in ${action.seconds} s`;
    case 'notify':
      return `notify ${action.method}: ${action.message.trim()}`;
    case 'addheader':
      return `add ${action.name}: ${action.value}${action.last ? ' (behind the others)' : ''}`;
    case 'deleteheader':
      return `delete ${action.name}, number ${action.index}`;
    case 'snooze':
      return `snooze until ${new Date(action.untilMs).toISOString()}`;
  }
}

function place({ mailbox, mailboxId, specialUse, create, flags }: Filing): string {
  const others = [specialUse, mailboxId].filter((other) => other !== undefined);
  const first = others.length === 0 ? '' : ` (or where ${others.join(', ')} is)`;
  return `into ${mailbox}${first}${create ? ', made if missing' : ''}${flagWords(flags)}`;
}

function flagWords(flags: readonly string[] | undefined): string {
  return flags === undefined || flags.length === 0 ? '' : ` with ${flags.join(' ')}`;
}
