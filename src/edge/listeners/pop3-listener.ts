/**
 * A listening address whose connections get POP3 sessions.
 *
 * Runs in:   edge (main thread).
 */

import { latin1 } from '../../base/bytes.ts';
import type { Pop3Service } from '../protocols/pop3/service.ts';
import { Pop3Session } from '../protocols/pop3/session.ts';
import { type ListenerOptions, SessionListener } from './session-listener.ts';

const refusals = {
  peerNotAllowed: latin1('-ERR [SYS/PERM] Not from here\r\n'),
  banned: latin1('-ERR [SYS/TEMP] Too many failed log-ins from your network\r\n'),
  connectionsTooMany: latin1('-ERR [SYS/TEMP] Too many connections\r\n'),
};

export class Pop3Listener extends SessionListener<Pop3Service> {
  constructor(options: ListenerOptions<Pop3Service>) {
    super({
      ...options,
      refusals,
      newSession: (transport, { address, tls }) =>
        new Pop3Session(options.service, transport, address, tls),
    });
  }
}
