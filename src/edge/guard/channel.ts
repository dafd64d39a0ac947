/**
 * What a log-in may know of the TLS it goes through.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5056 (channel bindings), RFC 9266 (tls-exporter), RFC 5929 (tls-unique, tls-server-end-point).
 */

export interface ChannelFacts {
  /** What a log-in may be bound to, the best first; absent: nothing. */
  readonly bindings?: readonly string[];
  /** Undefined for one that is not among `bindings`. */
  channelBinding?(name: string): Uint8Array | undefined;
  /** DER, led up to a CA that settings name. Undefined: the client showed none, or one that is not proven. */
  clientCertificate?(): Uint8Array | undefined;
}
