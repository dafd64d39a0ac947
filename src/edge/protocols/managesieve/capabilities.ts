/**
 * What the server says it can do: at the beginning, after STARTTLS, and when asked.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5804 §1.7, RFC 6134 §2.6 (EXTLISTS).
 */

import { Buffer } from 'node:buffer';
import { deliveryCapabilities } from '../../../mail/sieve/compile/catalog.ts';
import { runLimits } from '../../../mail/sieve/limits.ts';
import { stringsLine } from '../../../mail/wire/managesieve/response.ts';
import { offeredMechanisms } from '../../guard/sasl.ts';
import { logInSession } from '../session/log-in-session.ts';
import type { CommandSession } from './command.ts';

const sieve = [...deliveryCapabilities].sort().join(' ');

export function capabilityLines(session: CommandSession): Buffer {
  const { service, peerAddress, tls, mayLogIn, canStartTls, account } = session;
  const { version, redirects } = service.policy;
  const isEarly = account === undefined;
  const mechanisms =
    mayLogIn && isEarly ? offeredMechanisms(logInSession(service, peerAddress, tls)) : [];
  return Buffer.concat([
    stringsLine('IMPLEMENTATION', `Chaski ${version}`),
    stringsLine('SASL', mechanisms.join(' ')),
    stringsLine('SIEVE', sieve),
    ...(canStartTls && isEarly ? [stringsLine('STARTTLS')] : []),
    stringsLine('NOTIFY', 'mailto'),
    stringsLine('EXTLISTS', 'tag urn'),
    stringsLine('MAXREDIRECTS', redirects ? String(runLimits.redirectsMax) : '0'),
    ...(account === undefined ? [] : [stringsLine('OWNER', account.address)]),
    stringsLine('UNAUTHENTICATE'),
    stringsLine('VERSION', '1.0'),
  ]);
}
