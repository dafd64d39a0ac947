/**
 * Aim: hashes of other systems are checked as those do.
 * Method: hashes made with OpenSSL, Python and bcryptjs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOldHash, verifyOldHash } from '../../../../src/mail/trust/old-hashes.ts';
import { isKnownHash, isOutdated, verifyPassword } from '../../../../src/mail/trust/password.ts';

/** Of `Hello world!`. */
const hashes = [
  '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  '{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  '{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5',
  '$pbkdf2-sha256$29000$MDEyMzQ1Njc4OWFiY2RlZg$yo7wATjrxAKg4h/JfvKkuolRIxpthHCkcvUEbSPDEio',
  '$pbkdf2-sha512$2500$MDEyMzQ1Njc4OWFiY2RlZg$aPn/hlERLb4dzztAVxZcRwlG3Oew2pGiEY.8mDciPzTyGdWq5Sv7wD.sJSTyJFPQrwZoGlmJCEoW.uFC0nZiGQ',
  '$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$M7Ss3mvwJK5Jt3Q/voElALTVpnM',
  'pbkdf2_sha256$26000$abcDEF$XrGN7+Lo43cxN3ZX5Bucsn0ZDfgI4bBa4+Uk0EOMj6s=',
  '{PBKDF2}$1$abcDEF$5000$0a694232b5a50748825af27a7c580b10961ba8d7',
  '{SSHA}M8XN+MyCuGNn0qVHAt++nhI4sBNzYWx0',
  '{SSHA256}fyUYMYIAdig64RCDgNqEo6qs9XBocDXenApAUjQ5i3xzYWx0',
  '{SSHA512}ldLvgdIhXVvKMdlpn0t6hrr84HldDX6o91MelK6vfmk5BjksE8namB2xaXJXapCrf286m/txZCYgD0XTUlcDCHNhbHQ=',
  '$2b$05$tGcuhrE3vHmJrimW3aOU8e6rVO95OCEnIDSphzMZz6CbouCIBb0Di',
  '{BLF-CRYPT}$2y$05$tGcuhrE3vHmJrimW3aOU8e6rVO95OCEnIDSphzMZz6CbouCIBb0Di',
];

for (const hash of hashes) {
  test(`${hash.slice(0, 24)}… fits its password and no other`, () => {
    assert.equal(verifyOldHash(hash, 'Hello world!'), true);
    assert.equal(verifyOldHash(hash, 'Hello world'), false);
    assert.equal(verifyPassword(hash, 'Hello world!'), true);
    assert.equal(verifyPassword(hash, 'hello world!'), false);
    assert.ok(isKnownHash(hash));
    assert.ok(isOutdated(hash));
  });
}

test('what would cost too much, or is none of these, is no hash', () => {
  for (const hash of [
    '',
    'Hello world!',
    '{CLEAR}Hello world!',
    '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
    `$2b$15$${'a'.repeat(53)}`,
    `$6$rounds=200001$salt$${'a'.repeat(86)}`,
    `pbkdf2_sha256$1000001$salt$${'a'.repeat(43)}=`,
    `$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'a'.repeat(43)}`,
  ]) {
    assert.equal(isOldHash(hash), false, hash);
    assert.equal(verifyOldHash(hash, 'Hello world!'), undefined, hash);
  }
  assert.equal(
    isOutdated(`$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'a'.repeat(43)}`),
    false,
  );
  assert.equal(
    isOutdated(`$argon2id$v=19$m=9216,t=2,p=1$${'a'.repeat(22)}$${'a'.repeat(43)}`),
    true,
  );
});
