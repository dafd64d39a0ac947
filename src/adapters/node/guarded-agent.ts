/**
 * A connector and agent of undici that go only where they may, whoever chose the URL.
 *
 * Runs in:   main thread.
 * Limits:    time for connecting, header and body; size of header and body.
 * Invariant: the address that is connected to is checked, not the name: names are looked up by our own resolver, and a
 *            URL that holds an address is checked before it is dialled. No redirect is followed by undici's `request`.
 */

import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Dns } from '../../ports/dns.ts';

type Undici = typeof import('undici');

export interface GuardOptions {
  readonly dns: Dns;
  readonly mayDial: (address: string) => boolean;
  readonly timeoutMs: number;
  /** Of an answer's body. */
  readonly bytesMax: number;
  readonly secureContext: SecureContext;
}

const headBytesMax = 16_384;

/** For one request: its connection is not kept. */
export function createGuardedAgent(undici: Undici, options: GuardOptions) {
  const { dns, mayDial, timeoutMs, bytesMax, secureContext } = options;
  const connect = undici.buildConnector({
    timeout: timeoutMs,
    lookup: lookupBy(dns, mayDial),
    secureContext,
  });
  return new undici.Agent({
    ...{ pipelining: 0, connections: 1, maxHeaderSize: headBytesMax, maxResponseSize: bytesMax },
    ...{ headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
    connect(to, done) {
      // An address is not looked up: nobody else would check it.
      const host = to.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && !mayDial(host)) done(nowhere(host), null);
      else connect(to, done);
    },
  });
}

function lookupBy(dns: Dns, mayDial: (address: string) => boolean): LookupFunction {
  return (host, _options, done) => {
    const answers = Promise.all([dns.a(host), dns.aaaa(host)]);
    answers.then(
      (pair) => {
        const found = pair.flatMap((answer) => (answer.ok ? answer.records : []));
        const addresses = found.filter(mayDial).map((address) => ({
          ...{ address, family: address.includes(':') ? 6 : 4 },
        }));
        if (addresses.length > 0) done(null, addresses);
        else done(found.length > 0 ? nowhere(host) : new Error(`no address of ${host}`), []);
      },
      (error: Error) => done(error, []),
    );
  };
}

function nowhere(host: string): Error {
  return new Error(`${host} leads where none may go`);
}
