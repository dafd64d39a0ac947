/**
 * The services mail programs are told of: one record, from which every way of telling is made.
 *
 * Runs in: anywhere; pure.
 * Specs:   RFC 8314 §3 (implicit TLS comes first), §5.1; RFC 6186 §3 (names of services).
 */

export type ServiceProtocol = 'imap' | 'pop3' | 'smtp';

/** By the name of their listener, which is their name in the DNS as well. */
const serviceKinds = {
  imaps: { protocol: 'imap', isImplicitTls: true },
  submissions: { protocol: 'smtp', isImplicitTls: true },
  imap: { protocol: 'imap', isImplicitTls: false },
  submission: { protocol: 'smtp', isImplicitTls: false },
  pop3s: { protocol: 'pop3', isImplicitTls: true },
  pop3: { protocol: 'pop3', isImplicitTls: false },
} as const satisfies Record<string, { protocol: ServiceProtocol; isImplicitTls: boolean }>;

export type ServiceName = keyof typeof serviceKinds;

export const serviceNames = Object.keys(serviceKinds) as readonly ServiceName[];

export interface MailService {
  readonly name: ServiceName;
  readonly protocol: ServiceProtocol;
  /** Else STARTTLS, without which nobody is let in. */
  readonly isImplicitTls: boolean;
  /** In A-labels. */
  readonly host: string;
  readonly port: number;
}

/** Services in order of preference. */
export type MailServices = readonly MailService[];

export function serviceOf(name: ServiceName, host: string, port: number): MailService {
  return { name, ...serviceKinds[name], host, port };
}
