/**
 * What all sessions of one POP3 listener share: settings and ports.
 *
 * Runs in: edge (main thread).
 */

import type { NetworkSet } from '../../../base/networks.ts';
import { SessionService } from '../session/session-service.ts';
import type { Pop3Limits } from './limits.ts';

/** What may change while sessions run. */
export interface Pop3Policy {
  readonly hostname: string;
  readonly version: string;
  readonly limits: Pop3Limits;
  /** `login.clearNetworks` */
  readonly clearNetworks: NetworkSet;
}

export class Pop3Service extends SessionService<'pop3' | 'pop3s', Pop3Policy> {}
