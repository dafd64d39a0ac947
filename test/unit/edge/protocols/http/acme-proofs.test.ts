/** Aim: an authority finds the proofs that are shown, under their own name and token alone, and no others. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeProofs, proofsMax } from '../../../../../src/edge/protocols/http/acme-proofs.ts';
import type { HttpRequest, Route } from '../../../../../src/edge/protocols/http/server.ts';
import { testCertificate } from '../../../../support/certificate.ts';

const textProof = (name: string, token: string) =>
  ({ kind: 'http-01', name, token, keyAuthorization: `${token}.print` }) as const;

function routeOf(proofs: AcmeProofs): Route {
  return proofs.routes['/.well-known/acme-challenge/*'] as Route;
}

async function bodyOf(proofs: AcmeProofs, host: string, rest: string): Promise<string | number> {
  const { status, body } = await routeOf(proofs).methods.GET!({ host, rest } as HttpRequest);
  return status === 200 ? body : status;
}

test('a token is answered under its name while it is shown', async () => {
  const proofs = new AcmeProofs();
  assert.equal(await routeOf(proofs).isHostOurs('mx.test'), false);
  proofs.show(textProof('mx.test', 'abc'));
  assert.equal(await bodyOf(proofs, 'mx.test', 'abc'), 'abc.print');
  assert.equal(await bodyOf(proofs, 'mx.test', 'abd'), 404);
  assert.equal(await bodyOf(proofs, 'other.test', 'abc'), 404);
  assert.equal(await routeOf(proofs).isHostOurs('mx.test'), true);
  assert.equal(await routeOf(proofs).isHostOurs('mx'), false);
  proofs.hide(textProof('mx.test', 'abc'));
  assert.equal(await bodyOf(proofs, 'mx.test', 'abc'), 404);
  assert.equal(await routeOf(proofs).isHostOurs('mx.test'), false);
});

test('a certificate is there for its name while it is shown', () => {
  const proofs = new AcmeProofs();
  const proof = { kind: 'tls-alpn-01', name: 'mx.test', ...testCertificate() } as const;
  assert.equal(proofs.hasCertificates, false);
  proofs.show(proof);
  assert.equal(proofs.hasCertificates, true);
  assert.notEqual(proofs.contextOf('mx.test'), undefined);
  assert.equal(proofs.contextOf('other.test'), undefined);
  proofs.hide(proof);
  assert.equal(proofs.hasCertificates, false);
});

test('past its limit the oldest proof goes', async () => {
  const proofs = new AcmeProofs();
  for (let at = 0; at <= proofsMax; at++) proofs.show(textProof('mx.test', `t${at}`));
  assert.equal(await bodyOf(proofs, 'mx.test', 't0'), 404);
  assert.equal(await bodyOf(proofs, 'mx.test', 't1'), 't1.print');
  assert.equal(await bodyOf(proofs, 'mx.test', `t${proofsMax}`), `t${proofsMax}.print`);
});
