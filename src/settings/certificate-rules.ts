/**
 * Rules between settings of certificates.
 *
 * Runs in: main thread; reads the file system for the files they name.
 */

import { reservedNames } from './certificates.ts';
import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* certificateFaults(settings: Settings): Iterable<RuleFault> {
  const { tls, clientCertificate } = settings;
  if ((tls.cert === '') !== (tls.key === '')) {
    yield {
      paths: ['tls.cert', 'tls.key'],
      reason: `${tls.cert === '' ? 'tls.key' : 'tls.cert'} is set without ${tls.cert === '' ? 'tls.cert' : 'tls.key'}`,
      advice: 'Set both, or neither for a self-signed certificate.',
    };
  }
  yield* fileFaults('tls.cert', tls.cert);
  yield* fileFaults('tls.key', tls.key);
  for (const { cert, key } of tls.certificates) {
    yield* fileFaults('tls.certificates', cert);
    yield* fileFaults('tls.certificates', key);
  }
  yield* nameFaults(settings);
  if (settings.acme.directory !== '') yield* acmeFaults(settings);
  for (const file of clientCertificate.ca) yield* fileFaults('clientCertificate.ca', file);
  for (const file of clientCertificate.crl) yield* fileFaults('clientCertificate.crl', file);
  if (clientCertificate.crl.length > 0 && clientCertificate.ca.length === 0) {
    yield {
      paths: ['clientCertificate.crl', 'clientCertificate.ca'],
      reason: 'there are lists of revoked certificates, and no CA',
      advice: 'Name in clientCertificate.ca whose certificates count.',
    };
  }
}

function* nameFaults({ tls, acme }: Settings): Iterable<RuleFault> {
  const own = new Set(tls.certificates.map(({ name }) => name));
  for (const { name } of [...tls.certificates, ...acme.certificates]) {
    if (!reservedNames.includes(name)) continue;
    const path = own.has(name) ? 'tls.certificates' : 'acme.certificates';
    const reason = `"${name}" is what another certificate is called`;
    yield { paths: [path], reason, advice: 'Give it another name.' };
  }
  const twice = acme.certificates.find(({ name }) => own.has(name));
  if (twice === undefined) return;
  yield {
    paths: ['acme.certificates', 'tls.certificates'],
    reason: `both have a certificate "${twice.name}"`,
    advice: 'Give each a name of its own.',
  };
}

function* acmeFaults({ acme, listen }: Settings): Iterable<RuleFault> {
  if (!acme.agreesToTerms) {
    yield {
      paths: ['acme.agreesToTerms', 'acme.directory'],
      reason: 'no authority gives certificates to one who does not agree to its terms',
      advice: 'Read them, and set acme.agreesToTerms = true.',
    };
  }
  if (acme.certificates.length === 0) {
    yield {
      paths: ['acme.certificates', 'acme.directory'],
      reason: 'nothing is to be ordered',
      advice: 'Add a row, as mail = { names = ["mx.example.org"] }.',
    };
  }
  const listener = acme.challenge === 'http-01' ? 'http' : 'https';
  if (listen[listener].length === 0) {
    yield {
      paths: ['acme.challenge', `listen.${listener}`],
      reason: `${acme.challenge} is answered by listen.${listener}, which is off`,
      advice: `Set listen.${listener} to where the authority comes to.`,
    };
  }
  if ((acme.bindingKeyId === '') !== (acme.bindingKeyFile === '')) {
    yield {
      paths: ['acme.bindingKeyId', 'acme.bindingKeyFile'],
      reason: 'one of the two is set without the other',
      advice: 'Set both, as the authority gave them, or neither.',
    };
  }
  yield* fileFaults('acme.ca', acme.ca);
  yield* fileFaults('acme.bindingKeyFile', acme.bindingKeyFile);
}
