/**
 * What all scanners have in common: a bound on connections, time and size, a circuit breaker, and what it cost.
 *
 * Runs in:   engine threads.
 * Limits:    `connectionsMax` scans at once, `waitingPerConnection` times as many waiting; `msMax` for each, waiting
 *            included; `bytesMax` of a message.
 * Invariant: never rejects. Faults of a message, and our own bounds, never open the circuit.
 */

import type { Counter, Family } from '../../base/metrics.ts';
import { secondsBounds } from '../../base/metrics.ts';
import type {
  ContentScanner,
  ScanFault,
  ScanFinding,
  ScannerChecked,
  ScannerSurroundings,
  ScanSubject,
  ScanVerdict,
} from '../../ports/content-scanner.ts';
import { CircuitBreaker, circuitStates } from './circuit-breaker.ts';
import { scanErrorOf } from './scan-error.ts';
import { Turns } from './turns.ts';
import { plainText } from './words.ts';

export const waitingPerConnection = 8;

export interface ScanLimits {
  readonly connectionsMax: number;
  readonly connectMsMax: number;
  /** Of a whole scan. */
  readonly msMax: number;
  readonly bytesMax: number;
  /** What becomes of a larger one: its beginning is scanned, or nothing. */
  readonly oversize: 'head' | 'skip';
}

/** When a call has to be over. */
export interface ScanTime {
  /** By `clock.monotonicMs`. */
  readonly endMs: number;
  readonly connectMsMax: number;
  /** Aborted when the scanner is closed. */
  readonly signal: AbortSignal;
}

/** One kind of scanner: speaks, and throws `ScanError`. It keeps to `ScanTime` itself. */
export interface ScanTalk {
  scan(subject: ScanSubject, time: ScanTime): Promise<Exclude<ScanFinding, { kind: 'failed' }>>;
  /** What it calls itself. */
  check(time: ScanTime): Promise<string>;
  close(): Promise<void>;
}

/** Of the message or of ours: they say nothing of the scanner's health. */
const harmless: ReadonlySet<ScanFault> = new Set(['too-large', 'busy', 'circuit-open', 'closed']);

export function isHarmless(fault: ScanFault): boolean {
  return harmless.has(fault);
}

export class GuardedScanner implements ContentScanner {
  readonly name: string;
  readonly #talk: ScanTalk;
  readonly #limits: ScanLimits;
  readonly #surroundings: ScannerSurroundings;
  readonly #breaker: CircuitBreaker;
  readonly #turns: Turns;
  readonly #closing = new AbortController();
  readonly #count: (verdict: ScanVerdict) => void;

  constructor(
    name: string,
    talk: ScanTalk,
    limits: ScanLimits,
    surroundings: ScannerSurroundings & { readonly meters: ScanMeters },
  ) {
    const { clock, meters } = surroundings;
    this.name = name;
    this.#talk = talk;
    this.#limits = limits;
    this.#surroundings = surroundings;
    this.#breaker = new CircuitBreaker(clock);
    const waitingMax = waitingPerConnection * limits.connectionsMax;
    this.#turns = new Turns(clock, limits.connectionsMax, waitingMax);
    this.#count = meters.of(name, this.#breaker);
  }

  async scan(subject: ScanSubject): Promise<ScanVerdict> {
    const { clock } = this.#surroundings;
    const startMs = clock.monotonicMs();
    const { bytesMax, oversize } = this.#limits;
    const isOver = subject.wholeBytes > bytesMax;
    const message = isOver ? subject.message.subarray(0, bytesMax) : subject.message;
    const isSkipped = isOver && oversize === 'skip';
    const finding = isSkipped
      ? ({ kind: 'skipped', detail: `over ${bytesMax} bytes` } as const)
      : await this.#find({ ...subject, message }, startMs + this.#limits.msMax);
    const isGiven = finding.kind !== 'failed' && finding.kind !== 'skipped';
    const verdict: ScanVerdict = {
      ...finding,
      ms: clock.monotonicMs() - startMs,
      scannedBytes: isGiven ? message.length : 0,
    };
    this.#count(verdict);
    return verdict;
  }

  async check(): Promise<ScannerChecked> {
    const { clock } = this.#surroundings;
    const startMs = clock.monotonicMs();
    try {
      const version = await this.#talk.check(this.#time(startMs + this.#limits.msMax));
      return { ok: true, version: plainText(version), ms: clock.monotonicMs() - startMs };
    } catch (error) {
      const { fault, message } = scanErrorOf(error);
      const ms = clock.monotonicMs() - startMs;
      return { ok: false, fault, detail: plainText(message), ms };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#turns.close();
    await this.#talk.close();
  }

  async #find(subject: ScanSubject, endMs: number): Promise<ScanFinding> {
    if (this.#closing.signal.aborted) return failed('closed', 'it is closed');
    const { clock } = this.#surroundings;
    try {
      await this.#turns.enter(endMs - clock.monotonicMs());
    } catch (error) {
      return failedBy(error);
    }
    try {
      // Asked in its turn: those that waited for a scanner that went down meanwhile are not sent after the others.
      const ended = this.#breaker.begin();
      if (ended === undefined) return failed('circuit-open', 'it failed too often');
      return await this.#call(subject, this.#time(endMs), ended);
    } finally {
      this.#turns.leave();
    }
  }

  async #call(
    subject: ScanSubject,
    time: ScanTime,
    ended: (isGood: boolean) => void,
  ): Promise<ScanFinding> {
    try {
      const finding = await this.#talk.scan(subject, time);
      ended(true);
      return finding;
    } catch (error) {
      const finding = failedBy(error);
      ended(isHarmless(finding.fault));
      return finding;
    }
  }

  #time(endMs: number): ScanTime {
    return { endMs, connectMsMax: this.#limits.connectMsMax, signal: this.#closing.signal };
  }
}

type Failed = Extract<ScanFinding, { kind: 'failed' }>;

function failed(fault: ScanFault, detail: string): Failed {
  return { kind: 'failed', fault, detail: plainText(detail) };
}

function failedBy(error: unknown): Failed {
  const { fault, message } = scanErrorOf(error);
  return failed(fault, message);
}

/** The counters of all scanners of a thread; made once. */
export class ScanMeters {
  readonly #verdicts: Family<Counter>;
  readonly #bytes: Family<Counter>;
  readonly #seconds: ReturnType<ScannerSurroundings['metrics']['histograms']>;
  readonly #breakers = new Map<string, CircuitBreaker>();

  constructor({ metrics }: Pick<ScannerSurroundings, 'metrics'>) {
    this.#verdicts = metrics.counters(
      'chaski_scans_total',
      'Messages shown to a scanner, by its verdict; a failed one by why.',
      ['scanner', 'verdict'],
    );
    this.#bytes = metrics.counters('chaski_scan_bytes_total', 'Bytes scanned.', ['scanner']);
    this.#seconds = metrics.histograms(
      'chaski_scan_seconds',
      'How long a message waited for a scanner.',
      ['scanner'],
      secondsBounds,
    );
    metrics.gaugesOf(
      'chaski_scanner_circuits',
      'Threads whose circuit to a scanner is in this state.',
      () =>
        [...this.#breakers].flatMap(([scanner, breaker]) =>
          circuitStates.map((state) => ({
            ...{ labels: { scanner, state }, value: breaker.state === state ? 1 : 0 },
          })),
        ),
    );
  }

  of(scanner: string, breaker: CircuitBreaker): (verdict: ScanVerdict) => void {
    this.#breakers.set(scanner, breaker);
    const seconds = this.#seconds.with({ scanner });
    const bytes = this.#bytes.with({ scanner });
    return (verdict) => {
      const word = verdict.kind === 'failed' ? `failed: ${verdict.fault}` : verdict.kind;
      this.#verdicts.with({ scanner, verdict: word }).inc();
      bytes.inc(verdict.scannedBytes);
      seconds.observe(verdict.ms / 1_000);
    };
  }
}
