/**
 * A listening address whose connections get IMAP sessions.
 *
 * Runs in:   edge (main thread).
 */

import { latin1 } from '../../base/bytes.ts';
import type { ImapService } from '../protocols/imap/service.ts';
import { ImapSession } from '../protocols/imap/session.ts';
import { type ListenerOptions, SessionListener } from './session-listener.ts';

const refusals = {
  peerNotAllowed: latin1('* BYE [UNAVAILABLE] Not from here\r\n'),
  banned: latin1('* BYE [UNAVAILABLE] Too many failed log-ins from your network\r\n'),
  connectionsTooMany: latin1('* BYE [LIMIT] Too many connections\r\n'),
};

export class ImapListener extends SessionListener<ImapService> {
  constructor(options: ListenerOptions<ImapService>) {
    super({
      ...options,
      refusals,
      newSession: (transport, { address, tls }) =>
        new ImapSession(options.service, transport, address, tls),
    });
  }
}
