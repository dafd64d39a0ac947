/**
 * A mail server as a bench run sees it.
 *
 * Runs in: bench.
 */

export interface ServerUnderTest {
  readonly name: string;
  /** Where it takes SMTP (or LMTP), on 127.0.0.1. */
  readonly port: number;
  /** The process whose tree does the server's work. */
  readonly pid: number;
  /** Of other processes that work for it. */
  readonly otherPids?: readonly number[];
  stop(): Promise<void>;
}

export interface ServerPlace {
  /** An empty folder of the server's own, on the disk that is measured. */
  readonly folder: string;
  /** Where it relays to, on 127.0.0.1. */
  readonly nextHopPort: number;
}
