/** Settings of log-in by tokens of others (OpenID Connect). */

import { minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration } from '../fields.ts';
import { issuerTable } from '../issuers.ts';
import { networkList } from '../networks.ts';

export const oidcSection = section(
  'Log-in of mail programs by access tokens of OpenID Connect issuers (docs/directories.md).',
  {
    issuers: issuerTable({
      reload: 'restart',
      doc: 'Whose tokens (JWT, signed by RS256, ES256 or EdDSA) open accounts of which `domains`, by OAUTHBEARER and XOAUTH2. The account is the one that `claim` names: "email", if `email_verified`, or "sub", by `accounts` or as an address. `secondFactor` lists values of `amr` or `acr` that count as a second factor; "*": all its tokens do.',
      spec: 'OpenID Connect Discovery 1.0, RFC 7519',
    }),
    timeoutMs: duration({
      default: 5 * secondMs,
      min: 100,
      max: minuteMs,
      reload: 'restart',
      doc: "How long an issuer's document may take: where its keys are, and the keys.",
    }),
    allowNetworks: networkList({
      reload: 'restart',
      doc: 'Networks that issuers may be in though they are loopback, private or reserved.',
    }),
  },
);
