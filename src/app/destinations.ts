/**
 * Where mail to an address goes when no client asks: for operators and for the engine's own reports.
 *
 * Runs in:   main thread.
 * Invariant: as at RCPT of a client that may relay.
 */

import { type Destination, destinationsOf } from '../actors/asks/destinations.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';

export async function resolveAddress(
  directory: AccountDirectory,
  address: string,
): Promise<readonly Destination[] | ErrorCode> {
  const at = address.lastIndexOf('@');
  if (at < 1) return 'recipient-invalid';
  const resolution = await directory.resolve(address.slice(0, at), address.slice(at + 1));
  return destinationsOf(address, resolution);
}
