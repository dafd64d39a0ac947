/**
 * MTA-STS policies over HTTPS, right and wrong, by the name the client asks for.
 *
 * Runs in:   sink.
 * Specs:     RFC 8461 §3.2 (policy), §3.3 (HTTPS, no redirects, certificate of `mta-sts.DOMAIN`).
 * Limits:    `oversizedBytes` the largest answer; `idleMsMax` a connection.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { mebibyte, minuteMs } from '../../base/units.ts';
import type { HostPort } from '../addresses.ts';
import type { Certificates } from './certificates.ts';
import type { PolicyVariant } from './dns-variants.ts';
import type { DnsZone } from './dns-zone.ts';

const path = '/.well-known/mta-sts.txt';
const oversizedBytes = mebibyte;
const idleMsMax = 10 * minuteMs;

export class PolicyServer {
  readonly #zone: DnsZone;
  readonly #certificates: Certificates;
  #server: Server | undefined;

  constructor(zone: DnsZone, certificates: Certificates) {
    this.#zone = zone;
    this.#certificates = certificates;
  }

  async start(address: HostPort): Promise<HostPort> {
    const { cert, key } = await this.#certificates.of('valid', 'mta-sts.test');
    const server = createServer(
      {
        ...{ cert, key },
        SNICallback: (name, done) => {
          this.#contextOf(name).then((context) => done(null, context), done);
        },
      },
      (request, response) => this.#answer(request, response),
    );
    server.setTimeout(idleMsMax);
    server.on('tlsClientError', () => {});
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address.port, address.host, resolve);
    });
    return { host: address.host, port: (server.address() as { port: number }).port };
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
  }

  async #contextOf(name: string) {
    const kind = this.#zone.find(name).variant.policy?.certificate ?? 'valid';
    const { cert, key } = await this.#certificates.of(kind, name);
    return createSecureContext({ cert, key });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const { domain, variant } = this.#zone.find(host);
    const { policy } = variant;
    if (policy === undefined || host !== `mta-sts.${domain}` || request.url !== path) {
      response.writeHead(404).end('no policy here\n');
      return;
    }
    sendPolicy(response, policy, domain);
  }
}

function sendPolicy(response: ServerResponse, policy: PolicyVariant, domain: string): void {
  const { mode = 'enforce', mx = `mx.${domain}`, act } = policy;
  const text = `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 86400\r\n`;
  const plain = { 'content-type': 'text/plain' };
  switch (act) {
    case 'redirect':
      response.writeHead(301, { location: `https://${domain}${path}` }).end();
      return;
    case 'missing':
      response.writeHead(404, plain).end('not found\n');
      return;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>\n');
      return;
    case 'oversized':
      response.writeHead(200, plain).end(text + 'mx: x.test\r\n'.repeat(oversizedBytes / 12));
      return;
    case 'stall':
      response.writeHead(200, plain).write(text.slice(0, text.length / 2));
      return;
    default:
      response.writeHead(200, plain).end(text);
  }
}
