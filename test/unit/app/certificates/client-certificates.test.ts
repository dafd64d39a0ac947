/**
 * Aim: a certificate opens the account settings map it to, where its tenant allows it, and no other.
 * Specs: RFC 5280 §4.2.1.6.
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { certificateCheck } from '../../../../src/app/certificates/client-certificates.ts';
import { accountId, tenantId } from '../../../../src/base/ids.ts';
import type { LogInFacts } from '../../../../src/edge/guard/log-in.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { policyDefault } from '../../../../src/ports/log-in-policy.ts';
import type { Settings } from '../../../../src/settings/schema.ts';
import { TestAuthority } from '../../../support/certificate-maker.ts';

type Mapping = Pick<Settings['clientCertificate'], 'accounts' | 'usesMailAddress'>;

const [open, closed] = [tenantId(1), tenantId(2)];
const people = [
  ['ann@here.test', open, true],
  ['bob@here.test', open, true],
  ['off@here.test', open, false],
  ['eve@else.test', closed, true],
] as const;

const facts: LogInFacts = { address: '192.0.2.1', listener: 'imaps', tls: undefined };
let authority: TestAuthority;
before(async () => {
  authority = await TestAuthority.make();
});

async function madeFor(email: readonly string[], subject = 'CN=nobody'): Promise<X509Certificate> {
  return new X509Certificate((await authority.issue({ email, subject, isClient: true })).cert);
}

function checkOf(mapping: Partial<Mapping>) {
  const accounts = people.map(
    ([address, tenant, isEnabled], at) =>
      ({ id: accountId(at + 1), address, tenant, isEnabled }) as Account,
  );
  const check = certificateCheck({
    mapping: () => ({ accounts: [], usesMailAddress: false, ...mapping }),
    directory: {
      accountByAddress: (address) => accounts.find((each) => each.address === address),
    },
    credentials: {
      policy(tenant) {
        const policy = policyDefault(tenant);
        return tenant === open
          ? { ...policy, logIn: { ...policy.logIn, allowsCertificates: true } }
          : policy;
      },
    },
  });
  return async (certificate: X509Certificate, authorize = '') => {
    const answer = await check.check(certificate.raw, authorize, facts);
    return answer.ok ? answer.account.address : answer.code;
  };
}

const no = 'credentials-invalid';

test('a mail address in it counts only where settings say so', async () => {
  const certificate = await madeFor(['ann@here.test']);
  assert.equal(await checkOf({})(certificate), no);
  const check = checkOf({ usesMailAddress: true });
  assert.equal(await check(certificate), 'ann@here.test');
  assert.equal(await check(certificate, 'ann@here.test'), 'ann@here.test');
  assert.equal(await check(certificate, 'bob@here.test'), no);
});

test('of several accounts the client names one', async () => {
  const check = checkOf({ usesMailAddress: true });
  const certificate = await madeFor(['ann@here.test', 'bob@here.test']);
  assert.equal(await check(certificate), no);
  assert.equal(await check(certificate, 'bob@here.test'), 'bob@here.test');
});

test('a tenant that does not allow it, an account that is off and one that is not there are alike', async () => {
  const check = checkOf({ usesMailAddress: true });
  for (const address of ['eve@else.test', 'off@here.test', 'nobody@here.test'])
    assert.equal(await check(await madeFor([address])), no, address);
});

test('a fingerprint or a subject stands for an account, and comes before mail addresses', async () => {
  const certificate = await madeFor(['ann@here.test'], 'O=Here, CN=bob');
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const account = 'bob@here.test';
  const rows = [
    { account, fingerprint, subject: '' },
    { account, fingerprint: '', subject: 'CN=bob,O=Here' },
    { account, fingerprint, subject: 'CN=bob,O=Here' },
  ];
  for (const row of rows)
    assert.equal(await checkOf({ accounts: [row], usesMailAddress: true })(certificate), account);
  const others = [
    { account, fingerprint: '00'.repeat(32), subject: '' },
    { account, fingerprint: '', subject: 'CN=bob' },
    { account, fingerprint, subject: 'CN=ann,O=Here' },
  ];
  for (const row of others) assert.equal(await checkOf({ accounts: [row] })(certificate), no);
});

test('a subject with separators in its values is none of two parts', async () => {
  const certificate = await madeFor([], 'CN=bob\\,O\\=Here');
  const mapped = { account: 'bob@here.test', fingerprint: '', subject: 'O=Here,CN=bob' };
  assert.equal(await checkOf({ accounts: [mapped] })(certificate), no);
  const reversed = { ...mapped, subject: 'CN=bob,O=Here' };
  assert.equal(await checkOf({ accounts: [reversed] })(certificate), no);
});
