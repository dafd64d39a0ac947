/**
 * What the server says it can do, in one place: each name here works, and what does not work is not here.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.1.1, §7.2.2, appendix E; the RFCs behind the names stand in docs/rfc.tsv.
 */

import type { Log } from '../../../base/log.ts';
import { rightsCapability } from '../../../mail/wire/imap/rights.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { LogIn } from '../../guard/log-in.ts';
import { offeredMechanisms } from '../../guard/sasl.ts';
import { logInSession } from '../session/log-in-session.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { ImapLimits } from './limits.ts';

/** When a capability is told: always, in clear, while no log-in is taken, while one is, or after it. */
type When = 'always' | 'clear' | 'closed' | 'early' | 'authenticated';

interface Capability {
  readonly name: string;
  readonly when: When;
}

const always = (...names: readonly string[]): Capability[] =>
  names.map((name) => ({ name, when: 'always' }));

const capabilities: readonly Capability[] = [
  ...always('IMAP4rev1', 'IMAP4rev2', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE'),
  { name: 'STARTTLS', when: 'clear' },
  { name: 'LOGINDISABLED', when: 'closed' },
  ...[
    'IDLE',
    'NAMESPACE',
    'UNSELECT',
    'BINARY',
    'UIDPLUS',
    'MOVE',
    'CHILDREN',
    'LIST-EXTENDED',
    'LIST-STATUS',
    'LIST-METADATA',
    'LIST-MYRIGHTS',
    'SPECIAL-USE',
    'STATUS=SIZE',
    'ESEARCH',
    'SEARCHRES',
    'SORT',
    'SORT=DISPLAY',
    'ESORT',
    'THREAD=ORDEREDSUBJECT',
    'THREAD=REFERENCES',
    'PARTIAL',
    'MULTISEARCH',
    'CONTEXT=SEARCH',
    'CONTEXT=SORT',
    'INPROGRESS',
    'I18NLEVEL=1',
    'WITHIN',
    'PREVIEW',
    'OBJECTID',
    'CONDSTORE',
    'QRESYNC',
    'ACL',
    rightsCapability,
    'METADATA',
    'QUOTA',
    'QUOTA=RES-STORAGE',
    'QUOTA=RES-MESSAGE',
    'QUOTASET',
    'NOTIFY',
    'MULTIAPPEND',
    'CATENATE',
    'REPLACE',
    'UTF8=ACCEPT',
    'CREATE-SPECIAL-USE',
    'SAVEDATE',
    'UNAUTHENTICATE',
    'UIDONLY',
    'UIDBATCHES',
  ].map((name): Capability => ({ name, when: 'authenticated' })),
];

export interface CapableSession {
  readonly canStartTls: boolean;
  readonly mayLogIn: boolean;
  readonly account: unknown;
  readonly peerAddress: string;
  readonly tls: TlsSessionFacts | undefined;
  readonly service: CapableService;
}

interface CapableService {
  readonly policy: { readonly limits: ImapLimits; readonly sieveUrl: string };
  readonly name: string;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of the session as it stands. */
export function capabilityNames(session: CapableSession): readonly string[] {
  const { canStartTls, mayLogIn, account } = session;
  const isLoggedIn = account !== undefined;
  const names = capabilities
    .filter(({ when }) => {
      if (when === 'always') return true;
      if (when === 'authenticated') return isLoggedIn;
      if (isLoggedIn) return false;
      return when === 'clear' ? canStartTls : (when === 'early') === mayLogIn;
    })
    .map(({ name }) => name);
  if (isLoggedIn) return [...names, ...settledNames(session.service.policy)];
  return mayLogIn ? [...names, ...mechanismNames(session)] : names;
}

function mechanismNames({ service, peerAddress, tls }: CapableSession): readonly string[] {
  const offered = offeredMechanisms(logInSession(service, peerAddress, tls));
  return offered.map((name) => `AUTH=${name}`);
}

/** Those that settings decide. */
function settledNames({ limits, sieveUrl }: CapableService['policy']): readonly string[] {
  const { messagesPerCommandMax, savedMessagesPerCommandMax } = limits;
  const names: string[] = [];
  if (limits.compressedSessionsMax > 0) names.push('COMPRESS=DEFLATE');
  // RFC 9738 §3: one of the two.
  if (messagesPerCommandMax > 0) names.push(`MESSAGELIMIT=${messagesPerCommandMax}`);
  else if (savedMessagesPerCommandMax > 0) names.push(`SAVELIMIT=${savedMessagesPerCommandMax}`);
  if (sieveUrl !== '') names.push(`IMAPSIEVE=${sieveUrl}`);
  // RFC 7889 §3: one limit for all mailboxes.
  return [...names, `APPENDLIMIT=${limits.messageBytesMax}`];
}
