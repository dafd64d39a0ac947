/**
 * What a tenant asks of those who log in to its accounts, and of their passwords.
 *
 * Runs in: anywhere; plain data.
 */

import type { TenantId } from '../base/ids.ts';

export interface LogInPolicy {
  /** A main password alone opens nothing: the web asks for a second factor, mail programs need app passwords. */
  readonly needsSecondFactor: boolean;
  /** SCRAM verifiers are made with each password and SCRAM is offered. */
  readonly allowsScram: boolean;
  /** Certificates that settings map to its accounts open them; absent: they do not. */
  readonly allowsCertificates?: boolean;
  /** Access to another's account waits until a second person agreed. */
  readonly needsConsent: boolean;
  /** Mail programs get in by the main password alone, though its account has a second factor. */
  readonly allowsPasswordAlone: boolean;
  /** A passkey alone opens the web: no password is asked for. */
  readonly allowsPasskeyAlone: boolean;
}

export interface PasswordPolicy {
  /** Characters. */
  readonly lengthMin: number;
  /** What guessing it must score at least: 0 (anything) to 4. */
  readonly scoreMin: number;
  /** How many earlier passwords may not come again. */
  readonly historyMax: number;
  /** A password is to be changed when it is so old; 0: never. */
  readonly ageMsMax: number;
  /** What stands in the list of breached passwords is refused. */
  readonly refusesBreached: boolean;
}

export interface TenantPolicy {
  readonly tenant: TenantId;
  readonly logIn: LogInPolicy;
  readonly password: PasswordPolicy;
}

export const passwordLengthLimits = { least: 8, most: 128 } as const;
export const passwordScoreMax = 4;
export const passwordHistoryMax = 24;

/** Of a tenant that said nothing. */
export function policyDefault(tenant: TenantId): TenantPolicy {
  return {
    tenant,
    logIn: {
      needsSecondFactor: false,
      allowsScram: false,
      needsConsent: false,
      allowsPasswordAlone: false,
      allowsPasskeyAlone: false,
    },
    password: {
      lengthMin: passwordLengthLimits.least,
      scoreMin: 0,
      historyMax: 0,
      ageMsMax: 0,
      refusesBreached: true,
    },
  };
}
