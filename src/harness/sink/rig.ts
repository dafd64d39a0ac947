/**
 * A whole sink: listeners, name server, policies, capture, joined as the options say.
 *
 * Runs in:   sink process.
 * Limits:    those of its parts.
 */

import { lookup } from 'node:dns/promises';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { plainAddress } from '../../base/networks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import type { TakenMessage } from '../capture/listener.ts';
import type { CaptureStore } from '../capture/store.ts';
import { enterArrival } from '../ledger/arrival.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import type { Certificates } from './certificates.ts';
import type { FaultSource } from './fault-source.ts';
import type { CertificateKind, DnsModel } from './model.ts';
import { countArrival, Sink, type SinkArrival, type SinkCounts } from './sink.ts';
import type { TlsStage } from './tls-stage.ts';

export interface RigOptions {
  readonly listen: readonly HostPort[];
  readonly listenTls: readonly HostPort[];
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  readonly auth: boolean;
  readonly starttls: boolean;
  readonly certificate: CertificateKind;
  /** Gets the root's certificate and the revocation list. */
  readonly tlsFolder: string | undefined;
  readonly faults: FaultSource;
  readonly clock: Clock;
  readonly ledger: LedgerWriter | undefined;
  readonly dns: DnsOptions | undefined;
  readonly capture: CaptureOptions | undefined;
  /** Runs after each message. */
  readonly onMessage: (counts: SinkCounts) => void;
}

export interface DnsOptions {
  readonly listen: HostPort;
  /** Where domains lead; the first listener's address when absent. */
  readonly address: string | undefined;
  readonly policies: HostPort | undefined;
  readonly model: DnsModel;
}

export interface CaptureOptions {
  readonly http: HostPort;
  readonly folder: string | undefined;
  readonly countMax: number;
  readonly bytesMax: number;
  readonly names: readonly string[];
  readonly probesLinks: boolean;
}

/** What listens where, by what it is. */
export interface RigAddresses {
  readonly ready: readonly HostPort[];
  readonly dns?: HostPort;
  readonly policies?: HostPort;
  readonly http?: HostPort;
}

interface Part {
  stop(): Promise<void>;
}

/** The parts are loaded when they are asked for: a plain sink starts without them. */
export class SinkRig {
  readonly #options: RigOptions;
  readonly #sink: Sink;
  #certificates: Certificates | undefined;
  #tls: TlsStage | undefined;
  #store: CaptureStore | undefined;
  /** In the order they are stopped. */
  readonly #parts: Part[] = [];

  constructor(options: RigOptions) {
    this.#options = options;
    const { listen, listenTls, clock } = options;
    this.#sink = new Sink({
      ...options,
      ...(this.#isFriendly ? { listen: [], listenTls: [] } : { listen, listenTls }),
      tls: () => this.#tls,
      ...(options.capture === undefined
        ? {}
        : { onArrival: (arrival) => this.#keep(arrival, clock.nowMs()) }),
    });
  }

  get counts(): SinkCounts {
    return this.#sink.counts;
  }

  /** A capture that disturbs nobody is on smtp-server, which gets along with every client. */
  get #isFriendly(): boolean {
    const { capture, dns, faults, certificate } = this.#options;
    // Hosts of the name server's domains show certificates of their own, which TLSA records fit.
    if (dns !== undefined) return false;
    return capture !== undefined && !faults.isWatching && certificate === 'valid';
  }

  async start(): Promise<RigAddresses> {
    const { dns, capture, tlsFolder, starttls, listenTls } = this.#options;
    const isTls = starttls || listenTls.length > 0 || dns !== undefined || tlsFolder !== undefined;
    if (isTls) await this.#prepareTls(tlsFolder);
    if (capture !== undefined) this.#store = await this.#openStore(capture);
    this.#parts.push(this.#sink);
    const ready = this.#isFriendly ? await this.#listenFriendly() : await this.#sink.start();
    const names = dns === undefined ? {} : await this.#startDns(dns, ready[0]!);
    if (capture === undefined) return { ready, ...names };
    return { ready, ...names, http: await this.#startHttp(capture) };
  }

  async stop(): Promise<void> {
    for (const part of this.#parts) await part.stop();
  }

  async #prepareTls(folder: string | undefined): Promise<void> {
    const { clock, certificate: kind, hostName } = this.#options;
    const { Certificates } = await import('./certificates.ts');
    const { TlsStage } = await import('./tls-stage.ts');
    const certificates = new Certificates(clock.nowMs());
    this.#certificates = certificates;
    this.#tls = new TlsStage({ certificates, kind, hostName, clock });
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'ca.pem'), await certificates.root());
    writeFileSync(join(folder, 'crl.pem'), await certificates.revocations());
  }

  async #openStore(capture: CaptureOptions): Promise<CaptureStore> {
    const { FolderBodies, MemoryBodies } = await import('../capture/bodies.ts');
    const { CaptureStore } = await import('../capture/store.ts');
    const { folder, countMax, bytesMax } = capture;
    const bodies = folder === undefined ? new MemoryBodies() : new FolderBodies(folder);
    return new CaptureStore({ bodies, countMax, bytesMax, clock: this.#options.clock });
  }

  async #startHttp(capture: CaptureOptions): Promise<HostPort> {
    const { CaptureHttp } = await import('../capture/http-server.ts');
    const { clock } = this.#options;
    const http = new CaptureHttp({ ...capture, store: this.#store!, clock });
    this.#parts.unshift(http);
    return await http.start(capture.http);
  }

  async #listenFriendly(): Promise<readonly HostPort[]> {
    const { CaptureListener } = await import('../capture/listener.ts');
    const { hostName, lmtp, listen, listenTls, clock } = this.#options;
    const { counts } = this;
    const listener = new CaptureListener({
      ...{ hostName, lmtp, certificate: await this.#certificates!.of('valid', hostName) },
      take: (message) => this.#take(message, clock.nowMs()),
      connected: () => {
        counts.connections++;
        counts.connectionsOpen++;
        counts.connectionsOpenMax = Math.max(counts.connectionsOpenMax, counts.connectionsOpen);
      },
      closed: () => {
        counts.connectionsOpen--;
      },
    });
    this.#parts.unshift(listener);
    const bound: HostPort[] = [];
    for (const address of listen) bound.push(await listener.listen(address, false));
    for (const address of listenTls) bound.push(await listener.listen(address, true));
    return bound;
  }

  /** From a session of our own. */
  #keep({ message, bytes, via, client }: SinkArrival, receivedMs: number): void {
    const { sender, recipients, isEncrypted, user } = message;
    const from = plainAddress(client);
    this.#store!.add(
      { sender, recipients, isEncrypted, user, via, client: from, receivedMs },
      bytes,
    );
  }

  /** From smtp-server. */
  #take(taken: TakenMessage, receivedMs: number): void {
    const { ledger, onMessage } = this.#options;
    const { bytes, ...envelope } = taken;
    this.#store!.add({ ...envelope, client: plainAddress(taken.client), receivedMs }, bytes);
    const { counts } = this;
    counts.messages++;
    counts.copies += taken.recipients.length;
    counts.bytes += bytes.length;
    if (ledger !== undefined) {
      countArrival(counts, enterArrival(bytes, taken, ledger));
    }
    onMessage(counts);
  }

  async #startDns(dns: DnsOptions, sink: HostPort): Promise<Partial<RigAddresses>> {
    const { DnsZone } = await import('./dns-zone.ts');
    const { NameServer } = await import('./name-server.ts');
    const { clock, certificate } = this.#options;
    const { policies } = dns;
    const certificates = this.#certificates!;
    const address = await reachable(dns.address ?? sink.host);
    const zone = new DnsZone({
      ...{ model: dns.model, address, mxPort: sink.port },
      ...(policies === undefined ? {} : { policyAddress: await reachable(policies.host) }),
      certificateOf: (host) => certificates.of(certificate, host),
    });
    const server = new NameServer(zone, clock, dns.listen.host.includes(':'));
    this.#parts.unshift(server);
    const names = { dns: await server.start(dns.listen) };
    if (policies === undefined) return names;
    const { PolicyServer } = await import('./policy-server.ts');
    const web = new PolicyServer(zone, certificates);
    this.#parts.unshift(web);
    return { ...names, policies: await web.start(policies) };
  }
}

/** What a record may lead to: an address, and not the one that means all. */
async function reachable(host: string): Promise<string> {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '::1';
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
