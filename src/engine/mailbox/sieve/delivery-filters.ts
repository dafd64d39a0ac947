/**
 * What delivery needs of scripts: one of each shard.
 *
 * Runs in: the engine thread that owns the shard.
 */

import type { Spool } from '../../spool/spool.ts';
import type { MailboxNames } from '../names.ts';
import type { MailboxTree } from '../tree.ts';
import type { AccountFilters } from './filters.ts';
import type { SieveMemory } from './memory.ts';
import type { OutgoingParts } from './outgoing.ts';

export interface DeliveryFilters {
  readonly filters: AccountFilters;
  readonly memory: SieveMemory;
  readonly names: Pick<MailboxNames, 'of'>;
  readonly tree: Pick<MailboxTree, 'create' | 'find' | 'hidden'>;
  readonly outgoing: OutgoingParts;
  readonly spool: Pick<Spool, 'admitMade'>;
}
