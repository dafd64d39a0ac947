/**
 * What the directory's answer for an address means for a message: where its copies go, or why it is not taken.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 3461 §5.2.7.2 (an alias's targets are recipients of one message).
 * Invariant: total: whoever resolves an address (RCPT, an operator, a report) comes to the same answer.
 */

import type { ErrorCode } from '../../base/errors.ts';
import type { Resolution } from '../../ports/account-directory.ts';
import type { RecipientTarget } from './reception.ts';

export interface Destination {
  readonly address: string;
  readonly target: RecipientTarget;
}

const remoteTarget: RecipientTarget = { kind: 'remote' };

/** `address` is what was resolved: mail that leaves keeps it as it was given. */
export function destinationsOf(
  address: string,
  resolution: Resolution,
): readonly Destination[] | ErrorCode {
  switch (resolution.kind) {
    case 'remote':
      return [{ address, target: remoteTarget }];
    case 'resolved':
      return resolution.targets.map((target) =>
        target.kind === 'remote'
          ? { address: target.address, target: remoteTarget }
          : {
              address: target.address,
              target: { kind: 'account', account: target.account, shard: target.shard },
            },
      );
    case 'missing':
      return 'account-missing';
    case 'disabled':
      return 'account-disabled';
    case 'over-quota':
      return 'account-over-quota';
  }
}
