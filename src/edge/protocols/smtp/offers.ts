/**
 * What a session is offered by who its client is.
 *
 * Runs in:   edge (main thread); pure.
 */

import type { CommandSession } from './command.ts';
import type { SmtpService } from './service.ts';

export function isProxy({ policy }: SmtpService, address: string): boolean {
  const { xclientNetworks } = policy;
  return !xclientNetworks.isEmpty && xclientNetworks.has(address);
}

export function maySetTerms({ service, peer, tls }: CommandSession): boolean {
  if (service.dialect === 'lmtp') return false;
  return peer.isTrusted || (service.logIn?.isRequired === true && tls !== undefined);
}
