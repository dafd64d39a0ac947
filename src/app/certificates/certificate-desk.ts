/**
 * All certificates of this server: read, ordered, watched, and handed to the listeners.
 *
 * Runs in:   main thread.
 * Limits:    files are looked at every `pollMs`, and when the system tells of a change; broken ones after `settleMs`
 *            again before they count as broken.
 * Invariant: what runs is replaced by what is whole only. A certificate that fails is told of by a log line, a
 *            measurement and a warning, and never takes TLS or mail down.
 */

import { X509Certificate } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { nodeDisk } from '../../adapters/files/disk.ts';
import { acmeAuthority } from '../../adapters/node/acme.ts';
import { watchFolders } from '../../adapters/node/folder-watch.ts';
import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { dayMs, secondMs } from '../../base/units.ts';
import type { KeyPair } from '../../edge/listeners/tls.ts';
import { AcmeProofs } from '../../edge/protocols/http/acme-proofs.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Settings } from '../../settings/schema.ts';
import { AcmeFiles } from './acme-files.ts';
import { AcmeOrders } from './acme-orders.ts';
import { type HeldPair, readPair } from './held-pair.ts';
import { ListenerTls } from './listener-tls.ts';
import { warnsFromMs } from './renewal.ts';
import { keptSelfSigned } from './self-signed.ts';
import { WatchedFiles } from './watched-files.ts';

const pollMs = 30 * secondMs;
const settleMs = 2 * secondMs;
/** A change is a file written and another renamed: one look is enough for both. */
const gatherMs = 200;

export interface DeskParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface CertificateState {
  readonly name: string;
  readonly source: 'file' | 'acme' | 'self-signed';
  /** Those it is ordered for, where it has not come. */
  readonly names: readonly string[];
  readonly pair: HeldPair | undefined;
  /** "": nothing is wrong. */
  readonly error: string;
  /** Of one that is ordered: when next. */
  readonly nextMs: number | undefined;
}

interface ClientTrust {
  readonly ca: string;
  readonly crl: string;
}

/** What settings name, read. */
interface Sources {
  readonly settings: Settings;
  /** The one of `tls.cert` first, where it is set. */
  readonly files: readonly WatchedFiles<HeldPair>[];
  readonly clients: WatchedFiles<ClientTrust> | undefined;
  readonly orders: AcmeOrders | undefined;
}

export class CertificateDesk {
  readonly tls = new ListenerTls();
  readonly proofs = new AcmeProofs();
  readonly #parts: DeskParts;
  readonly #selfSigned: HeldPair;
  readonly #failures = new Map<string, number>();
  readonly #warnedMs = new Map<string, number>();
  #sources: Sources;
  #timer: Timer | undefined;
  #unwatch = () => {};
  #isOpen = false;
  #isGathering = false;
  #looking: Promise<void> = Promise.resolve();

  private constructor(parts: DeskParts, selfSigned: HeldPair) {
    this.#parts = parts;
    this.#selfSigned = selfSigned;
    this.#sources = { settings: parts.settings, files: [], clients: undefined, orders: undefined };
  }

  /** @throws Error where files that settings name are broken */
  static async open(parts: DeskParts): Promise<CertificateDesk> {
    const { settings, clock } = parts;
    const folder = join(settings.data.dir, 'tls');
    const made = await keptSelfSigned(nodeDisk, folder, settings.hostname, clock.nowMs());
    const desk = new CertificateDesk(parts, made);
    await desk.#take(await desk.#read(settings));
    return desk;
  }

  /** The listeners are open: an authority may come, files may change. */
  start(): void {
    this.#isOpen = true;
    this.#watch();
    this.#again(0);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#unwatch();
    await this.#sources.orders?.close();
    await this.#looking;
  }

  /** @throws Error where files are broken: all stays as it was then. */
  async reload(settings: Settings): Promise<void> {
    const before = this.#sources;
    await this.#take(await this.#read(settings));
    if (before.orders !== this.#sources.orders) await before.orders?.close();
    if (!this.#isOpen) return;
    this.#watch();
    this.#again(0);
  }

  states(): readonly CertificateState[] {
    const { files, orders } = this.#sources;
    const own = files.map(({ name, value: pair, error = '' }) => {
      const names = pair?.names ?? [];
      return { name, source: 'file' as const, names, pair, error, nextMs: undefined };
    });
    const ordered = (orders?.states() ?? []).map((one) => ({ ...one, source: 'acme' as const }));
    if (own.length + ordered.filter(({ pair }) => pair !== undefined).length > 0)
      return [...own, ...ordered];
    const pair = this.#selfSigned;
    const made = { name: 'self-signed', source: 'self-signed' as const, names: pair.names, pair };
    return [{ ...made, error: '', nextMs: undefined }, ...ordered];
  }

  /** How clients' certificates become accounts. */
  get clientMapping(): Settings['clientCertificate'] {
    return this.#sources.settings.clientCertificate;
  }

  /** Of the one that is shown where no name leads to another. */
  get defaultName(): string {
    const first = this.#first(this.#sources);
    return this.states().find(({ pair }) => pair === first)?.name ?? '';
  }

  /** Reads files again, or orders anew. @throws MailError `not-found`, `not-possible-now` */
  async renew(name: string): Promise<void> {
    const { files, orders } = this.#sources;
    const file = files.find((each) => each.name === name);
    if (file === undefined) {
      if (orders === undefined) throw new MailError('not-found', `certificate ${name}`);
      return await orders.renew(name);
    }
    await this.look();
    await this.look();
    if (file.error !== undefined) throw new MailError('not-possible-now', file.error);
  }

  /** What is wrong, in words for operators. */
  warnings(): readonly string[] {
    const nowMs = this.#parts.clock.nowMs();
    const { settings, clients } = this.#sources;
    const found = this.states().flatMap(({ name, pair, error }) => {
      const end = pair === undefined ? undefined : endWords(pair, settings, nowMs);
      return [error, end]
        .filter((each) => each !== undefined && each !== '')
        .map((each) => `certificate ${name}: ${each}`);
    });
    return clients?.error === undefined
      ? found
      : [...found, `client certificates: ${clients.error}`];
  }

  measure(metrics: Metrics): void {
    metrics.gaugesOf(
      'chaski_certificate_expiry_seconds',
      'Seconds until a certificate ends; below 0: since it ended.',
      () => {
        const nowMs = this.#parts.clock.nowMs();
        return this.states().flatMap(({ name, source, pair }) =>
          pair === undefined
            ? []
            : [
                {
                  labels: { certificate: name, source },
                  value: Math.round((pair.notAfterMs - nowMs) / secondMs),
                },
              ],
        );
      },
    );
    metrics.gaugesOf(
      'chaski_certificate_failures',
      'Times that a certificate could not be read or ordered, since the start.',
      () => [...this.#failures].map(([certificate, value]) => ({ labels: { certificate }, value })),
    );
  }

  /** Looks at all files, one look after the other. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { log } = this.#parts;
    const { files, clients } = this.#sources;
    let isChanged = false;
    let isUnsettled = false;
    for (const file of clients === undefined ? files : [...files, clients]) {
      const seen = await file.look();
      isChanged ||= seen === 'changed';
      isUnsettled ||= seen === 'unsettled';
      if (seen !== 'broken') continue;
      this.#failed(file.name);
      const detail = file.error;
      log.error(
        { certificate: file.name, detail },
        'a certificate is broken: the former one stays',
      );
    }
    if (isChanged) this.#apply('certificates were read again');
    if (isUnsettled && this.#isOpen) this.#again(settleMs);
  }

  #failed(name: string): void {
    this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
  }

  async #read(settings: Settings): Promise<Sources> {
    const { clock, random, log } = this.#parts;
    const { tls, acme, clientCertificate } = settings;
    const first = tls.cert === '' ? [] : [{ name: 'default', cert: tls.cert, key: tls.key }];
    const files = [...first, ...tls.certificates].map(
      ({ name, cert, key }) =>
        new WatchedFiles({
          ...{ name, paths: [cert, key] },
          make: ([certText = '', keyText = '']) => readPair({ cert: certText, key: keyText }),
        }),
    );
    const clients = watchedClients(clientCertificate);
    for (const file of clients === undefined ? files : [...files, clients]) await file.open();
    if (acme.directory === '' || !acme.agreesToTerms)
      return { settings, files, clients, orders: undefined };
    // An order that is under way is not given up for settings of other things.
    const { orders: known, settings: before } = this.#sources;
    if (known !== undefined && isDeepStrictEqual(acme, before.acme))
      return { settings, files, clients, orders: known };
    const folder = join(settings.data.dir, 'tls');
    const orders = await AcmeOrders.open({
      ...{ acme, clock, random, log, board: this.proofs },
      authority: acmeAuthority({ ...acme, clock }),
      files: new AcmeFiles(nodeDisk, folder, acme.directory, log),
      changed: () => this.#apply('a certificate was replaced'),
      failed: (name) => this.#failed(name),
    });
    return { settings, files, clients, orders };
  }

  /** Throws what OpenSSL says; all stays as it was then. */
  async #take(sources: Sources): Promise<void> {
    this.#load(sources);
    this.#sources = sources;
  }

  #apply(done: string): void {
    const { log } = this.#parts;
    try {
      this.#load(this.#sources);
      log.info({ certificates: this.states().map(({ name }) => name) }, done);
    } catch (error) {
      log.error(
        { detail: (error as Error).message },
        'certificates do not go together: the former ones stay',
      );
    }
  }

  #first(sources: Sources): HeldPair {
    const { settings } = sources;
    const pairs = pairsOf(sources);
    // The one of `tls.cert`.
    if (settings.tls.cert !== '') return pairs[0] ?? this.#selfSigned;
    const isOurs = ({ names }: HeldPair) => names.includes(settings.hostname);
    return pairs.find(isOurs) ?? pairs[0] ?? this.#selfSigned;
  }

  #load(sources: Sources): void {
    const { settings, clients } = sources;
    const nowMs = this.#parts.clock.nowMs();
    const first = this.#first(sources);
    // One that ended is shown only where no other one has the name.
    const inTime = (pair: HeldPair) => pair.notAfterMs > nowMs;
    const all = [first, ...pairsOf(sources)];
    const named = [...all.filter(inTime), ...all.filter((pair) => !inTime(pair))];
    const isAlone = new Set(all).size === 1;
    const { ca, crl } = clients?.value ?? { ca: '', crl: '' };
    this.tls.load(
      {
        ...materialOf(first),
        versionMin: settings.tls.versionMin,
        ...(isAlone ? {} : { named }),
        ...(ca === '' ? {} : { clientCa: ca }),
        ...(crl === '' ? {} : { clientCrl: crl }),
      },
      settings.clientCertificate.listeners,
    );
  }

  #again(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.setTimer(delayMs, () => {
      this.#isGathering = false;
      this.#again(pollMs);
      void this.look().then(() => {
        if (!this.#isOpen) return;
        this.#sources.orders?.look();
        this.#warn();
      });
    });
  }

  #watch(): void {
    const { files, clients } = this.#sources;
    const paths = [...files, ...(clients === undefined ? [] : [clients])].flatMap(
      (file) => file.paths,
    );
    this.#unwatch();
    this.#unwatch = watchFolders(paths.flatMap(foldersOf), () => {
      if (!this.#isOpen || this.#isGathering) return;
      // One look for all changes until then, however many they are.
      this.#isGathering = true;
      this.#again(gatherMs);
    });
  }

  /** Of those that end soon, each day. */
  #warn(): void {
    const { clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    for (const { name, pair } of this.states()) {
      const detail = pair === undefined ? undefined : endWords(pair, this.#sources.settings, nowMs);
      if (detail === undefined || nowMs - (this.#warnedMs.get(name) ?? -dayMs) < dayMs) continue;
      this.#warnedMs.set(name, nowMs);
      log.warn({ certificate: name, detail }, 'a certificate is to be renewed');
    }
  }
}

/** All there are but the one we made ourselves, in the order of settings. */
function pairsOf({ files, orders }: Sources): readonly HeldPair[] {
  const own = files.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const ordered = (orders?.states() ?? []).flatMap(({ pair }) =>
    pair === undefined ? [] : [pair],
  );
  return [...own, ...ordered];
}

function materialOf({ cert, key }: KeyPair): KeyPair {
  return { cert, key };
}

function watchedClients(
  given: Settings['clientCertificate'],
): WatchedFiles<ClientTrust> | undefined {
  const { ca, crl } = given;
  if (ca.length === 0) return undefined;
  return new WatchedFiles({
    name: 'client certificates',
    paths: [...ca, ...crl],
    make(texts) {
      const made = {
        ca: texts.slice(0, ca.length).join('\n'),
        crl: texts.slice(ca.length).join('\n'),
      };
      trustOf(made);
      return made;
    },
  });
}

/** Throws where a list of revoked ones is none; OpenSSL passes over a CA that is none, so that is looked at here. */
function trustOf({ ca, crl }: ClientTrust): void {
  const certificates = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (certificates === null) throw new Error('there is no certificate in it');
  for (const each of certificates) new X509Certificate(each);
  createSecureContext({ ca, ...(crl === '' ? {} : { crl }) });
}

function endWords(
  pair: HeldPair,
  { tls }: Pick<Settings, 'tls'>,
  nowMs: number,
): string | undefined {
  const until = new Date(pair.notAfterMs).toISOString();
  if (pair.notAfterMs <= nowMs) return `it ended at ${until}`;
  return warnsFromMs(pair, tls.expiryWarnMs) <= nowMs ? `it ends at ${until}` : undefined;
}

/** Where a file's name is, and where the file is that a symbolic link leads to. */
function foldersOf(path: string): readonly string[] {
  try {
    return [dirname(path), dirname(realpathSync(path))];
  } catch {
    return [dirname(path)];
  }
}
