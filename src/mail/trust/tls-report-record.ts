/**
 * The TXT record that says where reports on TLS with a domain go.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 8460 §3 (record, several records are none), §3.1 (URIs).
 * Limits:    `destinationsMax` URIs of a record are used, `uriCharsMax` of each.
 */

export interface TlsReportDestination {
  readonly way: 'mail' | 'https';
  /** An address, or a URL. */
  readonly to: string;
}

export const destinationsMax = 5;
const uriCharsMax = 1_000;
const addressOf =
  /^[!#-'*+/-9=?A-Z^-~-]+(?:\.[!#-'*+/-9=?A-Z^-~-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i;

/** None: nobody asks for reports. */
export function tlsReportDestinations(texts: readonly string[]): readonly TlsReportDestination[] {
  const announced = texts.filter((text) => /^v=TLSRPTv1[ \t]*;/.test(text));
  if (announced.length !== 1) return [];
  const found: TlsReportDestination[] = [];
  for (const field of announced[0]!.split(';').slice(1)) {
    const uris = /^[ \t]*rua[ \t]*=(.*)$/s.exec(field)?.[1];
    if (uris === undefined) continue;
    for (const uri of uris.split(',').slice(0, destinationsMax)) {
      const destination = destinationOf(uri.trim());
      if (destination !== undefined) found.push(destination);
    }
    break;
  }
  return found;
}

function destinationOf(uri: string): TlsReportDestination | undefined {
  if (uri.length > uriCharsMax) return undefined;
  if (/^https:\/\/./i.test(uri)) return URL.canParse(uri) ? { way: 'https', to: uri } : undefined;
  const [, address = ''] = /^mailto:([^?]+)(?:\?|$)/i.exec(uri) ?? [];
  try {
    const to = decodeURIComponent(address);
    return addressOf.test(to) && to.length <= 254 ? { way: 'mail', to } : undefined;
  } catch {
    return undefined;
  }
}
