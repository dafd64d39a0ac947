/**
 * The services mail programs are told of, as settings say.
 *
 * Runs in: anywhere; pure.
 */

import { isLoopback } from '../base/networks.ts';
import { type Services, serviceOf } from '../mail/formats/client-config/services.ts';
import type { Settings } from './schema.ts';

type WithServices = Pick<Settings, 'hostname' | 'listen' | 'public'>;

/** In order of preference; one whose listener is off or on loopback alone needs a port in `public.services`. */
export function publicServices(settings: WithServices): Services {
  const { hostname, listen, public: told } = settings;
  const host = told.host === '' ? hostname : told.host.toLowerCase();
  return told.services.flatMap(({ name, port }) => {
    const bound = listen[name].find((address) => !isLoopback(address.host))?.port ?? 0;
    const seen = port === 0 ? bound : port;
    return seen === 0 ? [] : [serviceOf(name, host, seen)];
  });
}

/** The host of `public.url`; "" is none. */
export function publicWebHost({ public: { url } }: Pick<Settings, 'public'>): string {
  return url === '' ? '' : new URL(url).hostname;
}

/** Path of `listen.http` where TLS reports are taken. */
export const tlsReportPath = '/tls-report';

/** Where other servers bring their reports; "" is nowhere. */
export function tlsReportUrl({ public: { url }, listen }: WithServices): string {
  return url === '' || listen.http.length === 0 ? '' : `${url}${tlsReportPath}`;
}
