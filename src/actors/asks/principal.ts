/**
 * Who asks: exactly one to each request.
 *
 * Runs in: anywhere; plain data.
 */

import type { AccountId, ApiKeyId, TenantId } from '../../base/ids.ts';

/** Whoever may open the control socket: everything, everywhere. */
export interface OperatorPrincipal {
  readonly kind: 'operator';
}

/** An account, by an access token of one of its sessions. */
export interface AccountPrincipal {
  readonly kind: 'account';
  readonly tenant: TenantId;
  readonly account: AccountId;
  readonly address: string;
  readonly session: number;
  /** When it showed a second factor in that session; 0: never. */
  readonly secondFactorMs: number;
}

/** A tenant's program. */
export interface KeyPrincipal {
  readonly kind: 'api-key';
  readonly tenant: TenantId;
  readonly key: ApiKeyId;
  readonly scopes: readonly string[];
}

export type Principal = OperatorPrincipal | AccountPrincipal | KeyPrincipal;

export interface AskedBy {
  readonly principal: Principal;
  /** The address it came from; "" from this machine's own socket. */
  readonly peer: string;
}

/** For those who read. */
export function principalWords(principal: Principal): string {
  switch (principal.kind) {
    case 'operator':
      return 'operator';
    case 'account':
      return `account ${principal.address}`;
    case 'api-key':
      return `key ${principal.key}`;
  }
}

/** Whoever opened the control socket, or a stopped store. */
export const askedHere: AskedBy = { principal: { kind: 'operator' }, peer: '' };

export function isOperator({ principal }: AskedBy): boolean {
  return principal.kind === 'operator';
}
