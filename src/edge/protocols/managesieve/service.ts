/**
 * What all sessions of one ManageSieve listener share: settings and ports.
 *
 * Runs in: edge (main thread).
 */

import type { NetworkSet } from '../../../base/networks.ts';
import { SessionService } from '../session/session-service.ts';
import type { ManageSieveLimits } from './limits.ts';

/** What may change while sessions run. */
export interface ManageSievePolicy {
  readonly hostname: string;
  readonly version: string;
  readonly limits: ManageSieveLimits;
  /** Whether scripts may send mail on. */
  readonly redirects: boolean;
  /** `login.clearNetworks` */
  readonly clearNetworks: NetworkSet;
}

export class ManageSieveService extends SessionService<'managesieve', ManageSievePolicy> {}
