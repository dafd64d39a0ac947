/**
 * Which accounts clients' certificates stand for: a CA of ours has vouched for them when they come here.
 *
 * Runs in:   main thread.
 * Specs:     RFC 4422 appendix A (EXTERNAL), RFC 5280 §4.2.1.6 (rfc822Name).
 * Limits:    `addressesMax` mail addresses of a certificate.
 * Invariant: settings map, and the tenant must allow it too: a certificate opens no account whose tenant did not. One
 *            that stands for several accounts opens the one that the client names, and none where it names none.
 */

import { X509Certificate } from 'node:crypto';
import { failure } from '../../base/errors.ts';
import type { LogInAnswer } from '../../edge/guard/log-in.ts';
import type { CertificateCheck } from '../../edge/guard/proofs.ts';
import { isName } from '../../edge/guard/sasl-exchange.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';
import type { CredentialStore } from '../../ports/credentials.ts';
import type { Settings } from '../../settings/schema.ts';
import { fingerprintOf, namesOf } from './held-pair.ts';

type Mapping = Pick<Settings['clientCertificate'], 'accounts' | 'usesMailAddress'>;

const addressesMax = 16;

export interface ClientCertificateParts {
  readonly mapping: () => Mapping;
  readonly directory: Pick<AccountDirectory, 'accountByAddress'>;
  readonly credentials: Pick<CredentialStore, 'policy'>;
}

export function certificateCheck(parts: ClientCertificateParts): CertificateCheck {
  return {
    async check(der, authorize): Promise<LogInAnswer> {
      const refused = failure('credentials-invalid', authorize);
      const accounts = new Map<number, Account>();
      for (const address of addressesOf(der, parts.mapping())) {
        const account = await parts.directory.accountByAddress(address);
        if (account !== undefined) accounts.set(account.id, account);
      }
      const named =
        authorize === '' ? onlyOne(accounts) : await parts.directory.accountByAddress(authorize);
      const account = named === undefined ? undefined : accounts.get(named.id);
      if (account === undefined || !mayLogIn(account)) return refused;
      const { logIn } = await parts.credentials.policy(account.tenant);
      return logIn.allowsCertificates === true
        ? { ok: true, account, admission: { kind: 'certificate' } }
        : refused;
    },
  };
}

function onlyOne(accounts: ReadonlyMap<number, Account>): Account | undefined {
  return accounts.size === 1 ? [...accounts.values()][0] : undefined;
}

function addressesOf(der: Uint8Array, { accounts, usesMailAddress }: Mapping): readonly string[] {
  const certificate = new X509Certificate(der);
  const fingerprint = fingerprintOf(certificate);
  const subject = subjectOf(certificate);
  const mapped = accounts.filter(
    (row) =>
      (row.fingerprint === '' || row.fingerprint === fingerprint) &&
      (row.subject === '' || row.subject === subject),
  );
  if (mapped.length > 0) return mapped.map(({ account }) => account);
  if (!usesMailAddress) return [];
  return namesOf(der, 'email').slice(0, addressesMax).filter(isName);
}

/** RFC 2253 §2.1: the last part first. */
function subjectOf({ subject }: X509Certificate): string {
  return subject.split('\n').reverse().join(',');
}
