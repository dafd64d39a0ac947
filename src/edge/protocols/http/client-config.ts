/**
 * How mail programs find our services by themselves: autoconfig, autodiscover, and profiles for Apple's Mail.
 *
 * Runs in:   edge (main thread).
 * Specs:     draft-ietf-mailmaint-autoconfig; MS-OXDSCLI; Apple's Configuration Profile Reference.
 * Limits:    a request of autodiscover has `requestBytesMax` at most.
 * Invariant: answers depend on the domain alone: whether an address has an account is told to nobody.
 */

import { domainToASCII } from 'node:url';
import { kibibyte } from '../../../base/units.ts';
import { appleProfile } from '../../../mail/formats/client-config/apple.ts';
import {
  autodiscoverAddress,
  autodiscoverAnswer,
} from '../../../mail/formats/client-config/outlook.ts';
import type { MailServices } from '../../../mail/formats/client-config/services.ts';
import { thunderbirdConfig } from '../../../mail/formats/client-config/thunderbird.ts';
import { type HttpAnswer, type HttpRequest, plain, type Route, type Routes } from './server.ts';

const requestBytesMax = 16 * kibibyte;
/** RFC 5321 §4.5.3.1.3. */
const addressLengthMax = 254;
const autodiscoverPath = '/autodiscover/autodiscover.xml';
const xml = 'text/xml; charset=utf-8';

export interface ClientConfigSources {
  readonly services: MailServices;
  /** Where we are reached under a certificate, as `https://mail.example.org`; "" is nowhere. */
  readonly url: string;
  /** `name` in lower-case A-labels. */
  isDomainOurs(name: string): Promise<boolean>;
}

export function clientConfigRoutes(sources: ClientConfigSources): Routes {
  const route = (methods: Route['methods'], bodyBytesMax = 0): Route => ({
    methods,
    bodyBytesMax,
    isHostOurs: (host) => sources.isDomainOurs(domainOfHost(host)),
  });
  const thunderbird = route({ GET: (request) => answerThunderbird(sources, request) });
  const outlook = route(
    {
      GET: () => redirectOutlook(sources),
      POST: (request) => answerOutlook(sources, request),
    },
    requestBytesMax,
  );
  return {
    '/.well-known/autoconfig/mail/config-v1.1.xml': thunderbird,
    '/mail/config-v1.1.xml': thunderbird,
    // Programs write it as they like.
    [autodiscoverPath]: outlook,
    '/Autodiscover/Autodiscover.xml': outlook,
    '/AutoDiscover/AutoDiscover.xml': outlook,
    '/mail/apple.mobileconfig': route({ GET: (request) => answerApple(sources, request) }),
  };
}

/** The mail domain a host is of: `autoconfig.example.org` is of `example.org`. */
function domainOfHost(host: string): string {
  return host.replace(/^(?:autoconfig|autodiscover)\./, '');
}

interface Asked {
  readonly address: string;
  readonly domain: string;
}

/** Undefined where it is no address, or of no domain of ours. */
async function asked(sources: ClientConfigSources, address: string): Promise<Asked | undefined> {
  const at = address.lastIndexOf('@');
  const hasControls = /[\x00-\x1f\x7f]/.test(address);
  if (at < 1 || hasControls || address.length > addressLengthMax) return undefined;
  const domain = domainToASCII(address.slice(at + 1));
  if (domain === '' || !(await sources.isDomainOurs(domain))) return undefined;
  return { address, domain };
}

const notOurs = plain(404, 'no domain of ours');

async function answerThunderbird(
  sources: ClientConfigSources,
  { host, query }: HttpRequest,
): Promise<HttpAnswer> {
  const address = query.get('emailaddress');
  const given = address === null ? undefined : await asked(sources, address);
  const domain = address === null ? domainOfHost(host) : given?.domain;
  if (domain === undefined || !(await sources.isDomainOurs(domain))) return notOurs;
  const services = sources.services;
  if (services.length === 0) return plain(404, 'no services for mail programs');
  return { status: 200, type: xml, body: thunderbirdConfig(domain, services) };
}

async function answerOutlook(
  sources: ClientConfigSources,
  { body }: HttpRequest,
): Promise<HttpAnswer> {
  const address = autodiscoverAddress(body);
  if (address === undefined) return plain(400, 'no request of one address');
  const given = await asked(sources, address);
  if (given === undefined) return notOurs;
  const services = sources.services;
  if (services.length === 0) return plain(404, 'no services for mail programs');
  return { status: 200, type: xml, body: autodiscoverAnswer(address, services) };
}

/** MS-OXDSCLI §3.1.5.4: Outlook asks in clear where to ask under TLS. */
function redirectOutlook({ url }: ClientConfigSources): HttpAnswer {
  if (url === '') return { ...plain(405, 'POST'), allow: 'POST' };
  return { ...plain(302, 'over TLS'), location: url + autodiscoverPath };
}

async function answerApple(
  sources: ClientConfigSources,
  { query }: HttpRequest,
): Promise<HttpAnswer> {
  const given = await asked(sources, query.get('emailaddress') ?? '');
  if (given === undefined) return notOurs;
  const body = appleProfile(given.address, sources.services);
  if (body === undefined) return plain(404, 'no services for mail programs');
  return { status: 200, type: 'application/x-apple-aspen-config; charset=utf-8', body };
}
