/**
 * What sessions tell of themselves, for metrics.
 *
 * Runs in:   edge (main thread); called from hot paths: an observer counts and returns.
 */

export interface SessionObserver {
  connected(listener: string): void;
  disconnected(listener: string): void;
  /** Turned away before a greeting. */
  refused(
    listener: string,
    reason: 'connections' | 'address' | 'proxy' | 'draining' | 'banned',
  ): void;
  /** `verb` is a known command's name or `unknown`. */
  command(listener: string, verb: string): void;
  /** `replyClass` is 2, 3, 4 or 5. */
  reply(listener: string, replyClass: number): void;
  message(listener: string, bodyBytes: number, accepted: boolean): void;
  tlsStarted(listener: string, version: string): void;
  tlsFailed(listener: string): void;
  loggedIn(listener: string, accepted: boolean): void;
  /** Ended because of what its client did: `reason` is one of few words. */
  cutOff(listener: string, reason: string): void;
}
