/**
 * Joins what writes to accounts' owners: links to new passwords, and notices of log-ins.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import type { Log } from '../../base/log.ts';
import type { AccessWitness } from '../../edge/guard/access-witness.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Audit } from '../audit/open-audit.ts';
import type { Core } from '../core.ts';
import { noticeSender } from '../own-mail.ts';
import { PlaceNotices } from './place-notices.ts';
import { ResetDesk } from './reset-desk.ts';

export interface Owners {
  readonly resets: ResetDesk;
  /** Undefined: settings have none sent. */
  readonly placeNotices: PlaceNotices | undefined;
  readonly witness: AccessWitness;
}

type Parts = Pick<Core, 'directory' | 'identity' | 'passwords' | 'reception'>;

export function openOwners(
  settings: Settings,
  { directory, identity, passwords, reception }: Parts,
  audit: Audit,
  log: Log,
): Owners {
  const { hostname, login } = settings;
  const send = noticeSender({ directory, reception, hostname });
  const shared = { send, clock: nodeClock, log };
  const resets = new ResetDesk({
    ...{ ...shared, identity, passwords, random: nodeRandom, url: settings.public.url },
    audited: audit,
  });
  const witness = audit.witness(directory);
  if (!login.placeNotices) return { resets, placeNotices: undefined, witness };
  const placeNotices = new PlaceNotices({ ...shared, owners: identity.owners });
  return { resets, placeNotices, witness: placeNotices.beside(witness) };
}
