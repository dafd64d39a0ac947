/**
 * What the server says it can do: at the beginning, after STARTTLS, and when asked.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5804 §1.7, RFC 6134 §2.6 (EXTLISTS).
 * Invariant: what is told changes with TLS, with a log-in and with its end, and at no other time.
 */

import { Buffer } from 'node:buffer';
import { capabilities } from '../../../mail/sieve/compile/catalog.ts';
import { runLimits } from '../../../mail/sieve/limits.ts';
import { stringsLine } from '../../../mail/wire/managesieve/response.ts';
import { offeredMechanisms } from '../../guard/sasl.ts';
import { logInSession } from '../session/log-in-session.ts';
import type { CommandSession } from './command.ts';

const sieve = [...capabilities].sort().join(' ');

export function capabilityLines(session: CommandSession): Buffer {
  const { service, peerAddress, tls, mayLogIn, canStartTls, account } = session;
  const { version, redirects } = service.policy;
  const tellsStartTls = canStartTls && account === undefined;
  const mechanisms = mayLogIn ? offeredMechanisms(logInSession(service, peerAddress, tls)) : [];
  // RFC 5804 §1.7: an empty list says that STARTTLS comes first, and stands beside it alone.
  const tellsSasl = mechanisms.length > 0 || tellsStartTls;
  return Buffer.concat([
    stringsLine('IMPLEMENTATION', `Chaski ${version}`),
    ...(tellsSasl ? [stringsLine('SASL', mechanisms.join(' '))] : []),
    stringsLine('SIEVE', sieve),
    ...(tellsStartTls ? [stringsLine('STARTTLS')] : []),
    stringsLine('NOTIFY', 'mailto'),
    stringsLine('EXTLISTS', 'tag urn'),
    stringsLine('MAXREDIRECTS', redirects ? String(runLimits.redirectsMax) : '0'),
    ...(account === undefined ? [] : [stringsLine('OWNER', account.address)]),
    stringsLine('UNAUTHENTICATE'),
    stringsLine('VERSION', '1.0'),
  ]);
}
