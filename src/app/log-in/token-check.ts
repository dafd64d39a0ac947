/**
 * Access tokens of ours as a log-in of mail programs.
 *
 * Runs in:   main thread.
 * Specs:     RFC 7628 §3.1 (whom the client names is who the token is for).
 * Invariant: a token that we signed and that is over is told as any other that is not good, and is no guess: programs
 *            show it until they learn so, all those of an office from one address.
 */

import { failure } from '../../base/errors.ts';
import type { TokenCheck } from '../../edge/guard/proofs.ts';
import type { Sessions } from '../../edge/guard/sessions.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';

export function tokenCheck(
  sessions: Pick<Sessions, 'check' | 'isOurs'>,
  directory: Pick<AccountDirectory, 'accountByAddress'>,
): TokenCheck {
  return {
    async check(token, user, { address }) {
      const shown = await sessions.check(token, address);
      if (!shown.ok) return (await sessions.isOurs(token)) ? { ...shown, isOver: true } : shown;
      const { account, session } = shown;
      const named = user === '' ? account : await directory.accountByAddress(user);
      if (named?.id !== account.id) return failure('credentials-invalid', user);
      return { ok: true, account, admission: { kind: 'session', id: session.id } };
    },
  };
}
