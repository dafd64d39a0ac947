/**
 * Second factors, app passwords, and what tenants demand of log-ins, as operators change them.
 *
 * Runs in:   main thread.
 * Invariant: secrets are in the answer that made them, and kept nowhere but as hashes (of devices: as they must be).
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { AppPasswordView, PolicyView } from '../../actors/asks/credential-control.ts';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import {
  appPasswordSecretBytes,
  hashOfAppPassword,
  writeAppPassword,
} from '../../edge/guard/app-passwords.ts';
import type { PasskeyMade } from '../../edge/guard/passkeys.ts';
import type { AppPassword } from '../../ports/credentials.ts';
import type { TenantPolicy } from '../../ports/log-in-policy.ts';
import { accountNamed } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function credentialHandlers(parts: ControlParts): ControlHandlers {
  return { ...factorHandlers(parts), ...appPasswordHandlers(parts), ...policyHandlers(parts) };
}

function factorHandlers(parts: ControlParts): ControlHandlers {
  const { secondFactors, passkeys } = parts;
  const { secondFactors: factors } = parts.identity;
  return {
    'passkey.options': async ({ address }) =>
      await passkeys.creationOptions(await accountNamed(parts, address)),
    'passkey.add': async ({ address, name, passkey }) => {
      const account = await accountNamed(parts, address);
      const { id } = await passkeys.add(account, name, passkey as PasskeyMade);
      return { id, recoveryCodes: await secondFactors.firstRecoveryCodes(account) };
    },
    'factor.remove': async ({ address, id }) => {
      await factors.deleteFactor(await accountNamed(parts, address), id);
      return {};
    },
    'mfa.enable': async ({ address, name }) =>
      await secondFactors.enable(await accountNamed(parts, address), name),
    'mfa.confirm': async ({ address, code }) => {
      const account = await accountNamed(parts, address);
      return { recoveryCodes: await secondFactors.confirm(account, code) };
    },
    'mfa.disable': async ({ address }) => {
      await factors.clearFactors(await accountNamed(parts, address));
      return {};
    },
    'mfa.status': async ({ address }) => {
      const account = await accountNamed(parts, address);
      const { totps, passkeys, recoveryHashes } = await factors.secondFactors(account);
      const devices = [
        ...totps.map(({ id, name, createdMs, lastStep }) => ({
          ...{ id, name, createdMs },
          kind: 'totp' as const,
          isConfirmed: lastStep > 0,
        })),
        ...passkeys.map(({ id, name, createdMs }) => ({
          ...{ id, name, createdMs },
          kind: 'passkey' as const,
          isConfirmed: true,
        })),
      ];
      const isEnabled = devices.some(({ isConfirmed }) => isConfirmed);
      return { isEnabled, devices, recoveryCodesLeft: recoveryHashes.length };
    },
  };
}

function appPasswordHandlers(parts: ControlParts): ControlHandlers {
  const { clock, random } = parts;
  const { credentials } = parts.identity;
  return {
    'app-password.create': async ({ address, name, scopes, networks = [], expiresMs = 0 }) => {
      const account = await accountNamed(parts, address);
      const createdMs = clock.nowMs();
      if (expiresMs !== 0 && expiresMs <= createdMs) {
        throw new MailError('argument-invalid', 'it would be over before it begins');
      }
      const secret = random.bytes(appPasswordSecretBytes);
      const hash = hashOfAppPassword(secret);
      const row = { name, scopes, networks, hash, createdMs, expiresMs };
      const made = await credentials.createAppPassword(account, row);
      return { appPassword: viewOf(made), password: writeAppPassword(made.id, secret) };
    },
    'app-password.list': async ({ address }) => {
      const rows = await credentials.appPasswords(await accountNamed(parts, address));
      return { appPasswords: rows.map(viewOf) };
    },
    'app-password.revoke': async ({ address, id }) => {
      const account = await accountNamed(parts, address);
      const rows = await credentials.appPasswords(account);
      if (!rows.some((row) => row.id === id))
        throw new MailError('not-found', `app password ${id}`);
      await credentials.deleteAppPassword(account, id);
      return {};
    },
  };
}

function policyHandlers(parts: ControlParts): ControlHandlers {
  const { credentials } = parts.identity;
  return {
    'policy.show': async ({ tenant }) => {
      const { id } = await tenantNamed(parts, tenant);
      return viewOfPolicy(await credentials.policy(id));
    },
    'policy.set': async ({ tenant, ...changes }) => {
      const { id } = await tenantNamed(parts, tenant);
      const policy = await credentials.changePolicy(id, (row) =>
        policyOf(id, { ...viewOfPolicy(row), ...given(changes) }),
      );
      return viewOfPolicy(policy);
    },
  };
}

function policyOf(tenant: TenantId, wanted: PolicyView): TenantPolicy {
  return {
    tenant,
    logIn: {
      needsSecondFactor: wanted.needsSecondFactor,
      allowsScram: wanted.allowsScram,
      allowsCertificates: wanted.allowsCertificates,
      needsConsent: wanted.needsConsent,
      allowsPasswordAlone: wanted.allowsPasswordAlone,
      allowsPasskeyAlone: wanted.allowsPasskeyAlone,
    },
    password: {
      lengthMin: wanted.passwordLengthMin,
      scoreMin: wanted.passwordScoreMin,
      historyMax: wanted.passwordHistoryMax,
      ageMsMax: wanted.passwordAgeMsMax,
      refusesBreached: wanted.refusesBreached,
    },
  };
}

/** What a caller leaves undefined stays as it is. */
function given<T extends object>(changes: T): Partial<T> {
  const entries = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

function viewOfPolicy({ logIn, password }: TenantPolicy): PolicyView {
  return {
    ...logIn,
    allowsCertificates: logIn.allowsCertificates ?? false,
    passwordLengthMin: password.lengthMin,
    passwordScoreMin: password.scoreMin,
    passwordHistoryMax: password.historyMax,
    passwordAgeMsMax: password.ageMsMax,
    refusesBreached: password.refusesBreached,
  };
}

function viewOf({ hash, ...view }: AppPassword): AppPasswordView {
  return view;
}
