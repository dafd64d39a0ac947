/**
 * A listening address whose connections get ManageSieve sessions.
 *
 * Runs in:   edge (main thread).
 */

import { latin1 } from '../../base/bytes.ts';
import type { ManageSieveService } from '../protocols/managesieve/service.ts';
import { ManageSieveSession } from '../protocols/managesieve/session.ts';
import { type ListenerOptions, SessionListener } from './session-listener.ts';

const refusals = {
  peerNotAllowed: latin1('BYE "Not from here"\r\n'),
  banned: latin1('BYE (TRYLATER) "Too many failed log-ins from your network"\r\n'),
  connectionsTooMany: latin1('BYE (TRYLATER) "Too many connections"\r\n'),
};

export class ManageSieveListener extends SessionListener<ManageSieveService> {
  constructor(options: ListenerOptions<ManageSieveService>) {
    super({
      ...options,
      refusals,
      newSession: (transport, { address, tls }) =>
        new ManageSieveSession(options.service, transport, address, tls),
    });
  }
}
