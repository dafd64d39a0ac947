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
  /** DER; whoever uses it judges it. Undefined: the client showed none. */
  clientCertificate?(): Uint8Array | undefined;
}
