/** Settings of log-in by tokens of others (OpenID Connect). */

import { minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration } from '../fields.ts';
import { issuerTable } from '../issuers.ts';
import { networkList } from '../networks.ts';

export const oidcSection = section(
  'Log-in by OpenID Connect issuers: of mail programs by access tokens, of browsers by pages of the issuer (docs/directories.md).',
  {
    issuers: issuerTable({
      reload: 'restart',
      doc: 'Whose tokens (JWT, signed by RS256, ES256 or EdDSA) open accounts of which `domains`, by OAUTHBEARER and XOAUTH2. The account is the one that `claim` names: "email", if `email_verified`, or "sub", by `accounts` or as an address. `secondFactor` lists values of `amr` or `acr` that count as a second factor; "*": all its tokens do. `clientId` is what the issuer calls this server, `clientSecretFile` holds its secret in the first line, read anew for each question. `web` lets browsers log in by it, with `scopes`; `introspection` has it asked about opaque tokens.',
      spec: 'OpenID Connect Discovery 1.0, OpenID Connect Core 1.0, RFC 7519, RFC 7662',
    }),
    timeoutMs: duration({
      default: 5 * secondMs,
      min: 100,
      max: minuteMs,
      reload: 'restart',
      doc: 'How long an answer of an issuer may take.',
    }),
    allowNetworks: networkList({
      reload: 'restart',
      doc: 'Networks that issuers may be in though they are loopback, private or reserved.',
    }),
  },
);
