/**
 * What the server says it can do, in one place: each name here works, and what does not work is not here.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.1.1, §7.2.2, appendix E; the RFCs behind the names stand in docs/rfc.tsv.
 */

import { saslMechanisms } from '../../guard/sasl.ts';

/** When a capability is told: always, before log-in in clear, before log-in under TLS, or after log-in. */
type When = 'always' | 'clear' | 'secure' | 'authenticated';

interface Capability {
  readonly name: string;
  readonly when: When;
}

const always = (...names: readonly string[]): Capability[] =>
  names.map((name) => ({ name, when: 'always' }));

const capabilities: readonly Capability[] = [
  ...always('IMAP4rev1', 'IMAP4rev2', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE'),
  { name: 'STARTTLS', when: 'clear' },
  { name: 'LOGINDISABLED', when: 'clear' },
  ...saslMechanisms.map(({ name }): Capability => ({ name: `AUTH=${name}`, when: 'secure' })),
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
    'SPECIAL-USE',
    'STATUS=SIZE',
    'ESEARCH',
    'SEARCHRES',
    'WITHIN',
    'PREVIEW',
    'OBJECTID',
    'CONDSTORE',
    'QRESYNC',
  ].map((name): Capability => ({ name, when: 'authenticated' })),
];

export interface CapableSession {
  readonly isSecure: boolean;
  readonly canStartTls: boolean;
  readonly account: unknown;
  readonly service: { readonly policy: { readonly limits: { readonly messageBytesMax: number } } };
}

/** Of the session as it stands. */
export function capabilityNames(session: CapableSession): readonly string[] {
  const { isSecure, canStartTls, account } = session;
  const isLoggedIn = account !== undefined;
  const names = capabilities
    .filter(({ name, when }) => {
      if (name === 'STARTTLS' && !canStartTls) return false;
      if (when === 'always') return true;
      if (when === 'authenticated') return isLoggedIn;
      return !isLoggedIn && (when === 'secure') === isSecure;
    })
    .map(({ name }) => name);
  // RFC 7889 §3: one limit for all mailboxes.
  if (isLoggedIn) names.push(`APPENDLIMIT=${session.service.policy.limits.messageBytesMax}`);
  return names;
}
