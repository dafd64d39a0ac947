/**
 * The issuers of tokens that settings name.
 *
 * Runs in:   main thread.
 */

import { readFile } from 'node:fs/promises';
import { nodeClock } from '../../adapters/node/clock.ts';
import { createDns } from '../../adapters/node/dns.ts';
import { createIssuerClient } from '../../adapters/node/issuer-client.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { createWebReader } from '../../adapters/node/web-reader.ts';
import { isDialable } from '../../base/dialable.ts';
import type { Log } from '../../base/log.ts';
import { networkSet } from '../../base/networks.ts';
import { IssuerCalls } from '../../edge/guard/issuer-calls.ts';
import { IssuerKeys } from '../../edge/guard/issuer-keys.ts';
import { IssuerLogIn, type WebIssuer } from '../../edge/guard/issuer-log-in.ts';
import { LogInCodes } from '../../edge/guard/log-in-codes.ts';
import { LogInTickets } from '../../edge/guard/log-in-tickets.ts';
import { OpaqueTokens } from '../../edge/guard/opaque-tokens.ts';
import { TokenIssuer } from '../../edge/guard/token-issuer.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Core } from '../core.ts';
import { accountOpenTo } from './issuer-accounts.ts';
import type { TokenSource } from './issuer-tokens.ts';

export interface Issuers {
  readonly sources: readonly TokenSource[];
  readonly logIn: IssuerLogIn;
}

export function openIssuers(
  settings: Settings,
  { identity, witness }: Pick<Core, 'identity' | 'witness'>,
  log: Log,
): Issuers {
  const opened = openSources(settings, log);
  const shared = [nodeClock, nodeRandom] as const;
  const logIn = new IssuerLogIn({
    ...{ issuers: opened.flatMap(({ web }) => web ?? []), origin: settings.public.url },
    ...{ tickets: new LogInTickets(...shared), codes: new LogInCodes(...shared) },
    accountOf: (issuer, address) => accountOpenTo(identity.directory, issuer, address),
    ...{ witness, log },
  });
  return { sources: opened, logIn };
}

interface OpenedIssuer extends TokenSource {
  /** Undefined: it lets nobody into the web. */
  readonly web: WebIssuer | undefined;
}

function openSources({ oidc, dns: servers }: Settings, log: Log): readonly OpenedIssuer[] {
  const { issuers, allowNetworks, timeoutMs } = oidc;
  if (issuers.length === 0) return [];
  const allowed = networkSet(allowNetworks);
  const clock = nodeClock;
  const way = {
    ...{ timeoutMs, dns: createDns({ settings: servers, clock, random: nodeRandom }) },
    mayDial: (address: string) => allowed.has(address) || isDialable(address),
  };
  const reader = createWebReader(way);
  return issuers.map((rules) => {
    const { name, clientId, clientSecretFile, scopes, web: isWeb, introspection } = rules;
    const keys = new IssuerKeys({ url: rules.url, reader, clock, log });
    const issuer = new TokenIssuer(rules, keys, clock);
    const configuration = () => keys.configuration();
    const calls = new IssuerCalls(clock);
    const secret = () => secretIn(clientSecretFile);
    const client = createIssuerClient({ ...way, clientId, secret, log });
    const asked = { issuer, configuration, client, calls };
    const web = isWeb ? { ...asked, name, clientId, scopes } : undefined;
    if (!introspection) return { issuer, web };
    return { issuer, web, opaque: new OpaqueTokens({ ...asked, clock, random: nodeRandom }) };
  });
}

/** Its first line; read anew each time, so a new one needs no restart. */
async function secretIn(file: string): Promise<string> {
  return file === '' ? '' : (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0]!;
}
