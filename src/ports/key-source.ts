/**
 * Where tenant keys are: what wraps the data keys of encrypted accounts, and is never in our data folder.
 *
 * Contract:
 * - A tenant key goes by a reference (`file:/etc/chaski/acme.key`); the source alone knows its bytes.
 * - `wrap` uses the newest version of the key; `unwrap` opens what any version wrapped that the source still has.
 * - `context` says what is wrapped: what was wrapped for one context does not open in another.
 * - Nothing is kept: callers ask once for each data key, when its shard opens.
 * - A source that cannot answer now, or has not the key, rejects with `KeySourceError`: callers go on without.
 */

export class KeySourceError extends Error {
  override readonly name = 'KeySourceError';
}

export interface KeySource {
  wrap(reference: string, context: string, secret: Uint8Array): Promise<Uint8Array>;
  unwrap(reference: string, context: string, wrapped: Uint8Array): Promise<Uint8Array>;
}

export const wrappedBytesMax = 512;
