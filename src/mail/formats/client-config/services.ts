/**
 * The services mail programs are told of: one record, from which every way of telling is made.
 *
 * Runs in: anywhere; pure.
 * Specs:   RFC 8314 §3 (implicit TLS comes first), §5.1; RFC 6186 §3 and RFC 5804 §1.8 (names of services).
 */

export type ServiceProtocol = 'imap' | 'pop3' | 'smtp' | 'sieve';

/** By the name of their listener, which is their name in the DNS as well, but for `managesieve`. */
const serviceKinds = {
  imaps: { protocol: 'imap', isImplicitTls: true },
  submissions: { protocol: 'smtp', isImplicitTls: true },
  imap: { protocol: 'imap', isImplicitTls: false },
  submission: { protocol: 'smtp', isImplicitTls: false },
  pop3s: { protocol: 'pop3', isImplicitTls: true },
  pop3: { protocol: 'pop3', isImplicitTls: false },
  managesieve: { protocol: 'sieve', isImplicitTls: false },
} as const satisfies Record<string, { protocol: ServiceProtocol; isImplicitTls: boolean }>;

export type ServiceName = keyof typeof serviceKinds;

export const serviceNames = Object.keys(serviceKinds) as readonly ServiceName[];

interface ServiceOf<Protocol extends ServiceProtocol> {
  readonly name: ServiceName;
  readonly protocol: Protocol;
  /** Else STARTTLS, without which nobody is let in. */
  readonly isImplicitTls: boolean;
  /** In A-labels. */
  readonly host: string;
  readonly port: number;
}

/** In order of preference. */
export type Services = readonly ServiceOf<ServiceProtocol>[];

/** One that brings or takes mail. */
export type MailService = ServiceOf<Exclude<ServiceProtocol, 'sieve'>>;

/** Services in order of preference. */
export type MailServices = readonly MailService[];

export function serviceOf<Name extends ServiceName>(
  name: Name,
  host: string,
  port: number,
): ServiceOf<(typeof serviceKinds)[Name]['protocol']> {
  return { name, ...serviceKinds[name], host, port };
}

/** What configurations of mail programs have words for: of filters, only the DNS tells. */
export function mailServices(services: Services): MailServices {
  return services.filter((service) => service.protocol !== 'sieve') as MailServices;
}
