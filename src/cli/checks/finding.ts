/** One thing `chaski check` looked at. */

export interface Finding {
  /** As `ports`, `disk`. */
  readonly area: string;
  readonly status: 'ok' | 'warning' | 'fault';
  readonly what: string;
  /** What to do; absent where all is well. */
  readonly advice?: string;
}
