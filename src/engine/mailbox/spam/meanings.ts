/**
 * What it says of a message that somebody moved or flagged it.
 *
 * Runs in:   engine threads; pure.
 * Specs:     the keywords $Junk and $NotJunk of IANA's registry. Programs that judge mail themselves set them on all of
 *            it: they count where they speak against the mailbox the message is in.
 */

import type { LessonKind } from '../rows/lesson-row.ts';
import type { Role } from '../rows/mailbox-row.ts';

/** Undefined: nothing. */
export function kindOfFiling(from: Role, target: Role): LessonKind | undefined {
  if (from === target) return undefined;
  if (target === 'junk') return 'spam';
  const isKept = target !== 'trash' && target !== 'quarantine';
  return (from === 'junk' || from === 'quarantine') && isKept ? 'ham' : undefined;
}

export function kindOfFlags(
  role: Role,
  keywords: readonly string[],
  isAnswered: boolean,
): LessonKind | undefined {
  const lower = keywords.map((keyword) => keyword.toLowerCase());
  if (role === 'junk') return lower.includes('$notjunk') ? 'ham' : undefined;
  if (lower.includes('$junk')) return 'spam';
  return isAnswered ? 'ham' : undefined;
}
