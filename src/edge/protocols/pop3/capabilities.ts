/**
 * What CAPA says of a session as it stands: exactly what works.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 2449 §5-6; RFC 2595 §4 (STLS); RFC 5034 §6 (SASL); RFC 6856 §2-3 (UTF8); RFC 3206 §2 (AUTH-RESP-CODE).
 */

import { offeredMechanisms } from '../../guard/sasl.ts';
import { logInSession } from '../session/log-in-session.ts';
import type { CommandSession } from './command.ts';

const always: readonly string[] = [
  'TOP',
  'UIDL',
  'PIPELINING',
  'RESP-CODES',
  'AUTH-RESP-CODE',
  // RFC 6856 §3: names and passwords may be UTF-8, too.
  'UTF8 USER',
  'EXPIRE NEVER',
];

/** RFC 2449 §5: a capability is named where its command may be said. */
export function capabilityNames(session: CommandSession): readonly string[] {
  const names = [...always];
  if (session.account === undefined) {
    if (session.canStartTls) names.push('STLS');
    if (session.mayLogIn) {
      const { service, peerAddress, tls } = session;
      const mechanisms = offeredMechanisms(logInSession(service, peerAddress, tls));
      names.push('USER', `SASL ${mechanisms.join(' ')}`);
    }
  }
  names.push(`IMPLEMENTATION Chaski-${session.service.policy.version}`);
  return names;
}
