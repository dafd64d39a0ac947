/**
 * What a client is told of a failure.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5804 §1.3.
 * Invariant: total: each code has its words; details are for the log.
 */

import type { ErrorCode, Failure } from '../../../base/errors.ts';
import { type CommandEnd, no } from './command.ts';

const later = 'TRYLATER';

const words: Partial<Record<ErrorCode, readonly [words: string, code?: string]>> = {
  'credentials-invalid': ['Log-in failed'],
  'account-disabled': ['Log-in failed'],
  'app-password-required': ['Your password alone is not enough: use an app password'],
  'password-expired': ['Your password is too old: set a new one first', 'TRANSITION-NEEDED'],
  'second-factor-required': ['Your password alone is not enough: use an app password'],
  'sessions-too-many': ['Too many sessions of this account', later],
  'rate-exceeded': ['Too many failed log-ins, try again later', later],
  'encryption-required': ['STARTTLS comes first', 'ENCRYPT-NEEDED'],
  'argument-invalid': ['That is no name of a script'],
  'store-busy': ['Too much at once, try again later', later],
  'deadline-passed': ['No answer in time, try again later', later],
  draining: ['Going down, try again later', later],
  'disk-full': ['No room on the server, try again later', later],
};

export function failed({ code }: Pick<Failure, 'code'>): CommandEnd {
  const [text, responseCode] = words[code] ?? ['Not possible now, try again later', later];
  return no(text, responseCode);
}
