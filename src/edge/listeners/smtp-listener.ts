/**
 * A listening address whose connections get our own SMTP session: MX and relay, submission, LMTP.
 *
 * Runs in:   edge (main thread).
 */

import { secondMs } from '../../base/units.ts';
import type { SmtpService } from '../protocols/smtp/service.ts';
import { SmtpSession } from '../protocols/smtp/session.ts';
import { type ListenerOptions, SessionListener } from './session-listener.ts';

const drainLingerMsMax = 2 * secondMs;

export type SmtpListenerOptions = ListenerOptions<SmtpService>;

export class SmtpListener extends SessionListener<SmtpService> {
  constructor(options: SmtpListenerOptions) {
    super({
      ...options,
      drainLingerMsMax,
      newSession: (transport, { address, port, tls }) =>
        new SmtpSession(options.service, transport, address, port, tls),
    });
  }
}
