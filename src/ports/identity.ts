/**
 * The stores that say who there is, what they log in with and what they may do. They share one table, so that an
 * account goes with all that is its own; closing the directory closes all of them.
 *
 * Runs in: the main thread.
 */

import type { AccountDirectory } from './account-directory.ts';
import type { OwnerStore } from './account-owners.ts';
import type { CredentialStore } from './credentials.ts';
import type { GroupStore } from './groups.ts';
import type { RoleStore } from './roles.ts';
import type { SecondFactorStore } from './second-factors.ts';

export interface Identity {
  readonly directory: AccountDirectory;
  readonly credentials: CredentialStore;
  readonly secondFactors: SecondFactorStore;
  readonly roles: RoleStore;
  readonly owners: OwnerStore;
  readonly groups: GroupStore;
}
