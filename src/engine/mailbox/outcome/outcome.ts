/**
 * Where a message goes that scanners have marked: to its account as any other, into Junk, into quarantine.
 *
 * Runs in:   engine threads; pure.
 * Invariant: the nearest level counts that says: account, tenant, server.
 */

import { compiledScript } from '../../../mail/sieve/compile/at-delivery.ts';
import type { SpamLevels } from '../../../ports/levels.ts';
import type { Wanted } from '../sieve/wanted.ts';
import type { OwnLevel } from './own-levels.ts';
import type { TrustMarks } from './trust-marks.ts';

export type Outcome = 'accept' | 'junk' | 'quarantine';

/** Run last: what would be kept goes to Junk. */
export const junkScript = compiledScript(
  `require ["fileinto", "special-use"];
   fileinto :specialuse "\\\\Junk" "Junk";`,
)!;

/** Not shown by any protocol; made with the first message. */
const quarantineUse = '\\Quarantine';

/** There and nowhere else: nothing is sent on or answered. */
export const quarantined: Wanted = {
  copies: [
    {
      edits: [],
      places: [{ mailbox: 'Quarantine', specialUse: quarantineUse, create: true }],
    },
  ],
  ...{ redirects: [], notices: [], marks: [] },
};

type OutcomeLevels = Pick<SpamLevels, OwnLevel>;

/** `levels`: from the nearest to the farthest. 0 is never. */
export function outcomeOf(
  { spamPercent = 0, isCalledSpam, quarantine }: TrustMarks,
  levels: readonly (Partial<OutcomeLevels> | undefined)[],
): Outcome {
  const said = (name: keyof OutcomeLevels) =>
    levels.find((level) => level?.[name] !== undefined)?.[name] ?? 0;
  const [junk, apart] = [said('junkPercent'), said('quarantinePercent')];
  if (quarantine !== undefined) return 'quarantine';
  if (apart > 0 && spamPercent >= apart) return 'quarantine';
  if (junk === 0) return 'accept';
  return isCalledSpam || spamPercent >= junk ? 'junk' : 'accept';
}
