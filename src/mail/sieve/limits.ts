/**
 * The bounds of filters: scripts come from users, and messages from anybody.
 *
 * Runs in:   anywhere.
 * Specs:     RFC 5228 §2.10.7 (least that must be allowed), RFC 5229 §3.1 and §6, RFC 6609 §3.
 */

/** What a script may be. Past one, it does not compile, and the fault says which. */
export const scriptLimits = {
  /** Octets of UTF-8. */
  scriptBytesMax: 1_048_576,
  /** Blocks in blocks, and tests in tests. */
  nestingMax: 32,
  commandsMax: 10_000,
  stringsMax: 20_000,
  /** Characters of a pattern for `:regex`. */
  regexLengthMax: 1_000,
  /** Instructions that such a pattern may become: repeats multiply. */
  regexProgramMax: 4_000,
  /** A script with more of them is told so many. */
  warningsMax: 50,
} as const;

/** What one run may do. Past one, the run fails and the message is kept. */
export const runLimits = {
  /** Instructions, those of included scripts among them. */
  stepsMax: 200_000,
  /**
   * Characters looked at by tests, each as often as a key is compared with it; patterns count for more, as they take
   * more. About a tenth of a second of a processor: a thread does nothing else meanwhile.
   */
  workMax: 5_000_000,
  /** Actions that deliver, answer or tell; and edits of the header. */
  actionsMax: 32,
  redirectsMax: 4,
  notifiesMax: 8,
  /** Scripts taken in by one run, and how deep. */
  includesMax: 64,
  includeDepthMax: 10,
  /** RFC 5229 §3.1 asks for 128 at the least. */
  variablesMax: 256,
  /** Characters; what is longer is cut, as RFC 5229 §3.1 demands. It asks for 4,000 at the least. */
  variableLengthMax: 8_192,
  /** Octets of a part's decoded body that are looked at. */
  bodyBytesMax: 1_048_576,
  /** Parts that are looked at by `body`, `:anychild` and `foreverypart`. */
  partsMax: 1_000,
  headerEditsMax: 64,
} as const;
