/**
 * Certificates of the listeners, as operators see and renew them.
 *
 * Runs in:   main thread.
 * Invariant: no private key is in an answer.
 */

import type { CertificateView } from '../../actors/asks/certificate-control.ts';
import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { CertificateDesk, CertificateState } from '../certificates/certificate-desk.ts';
import type { ControlParts } from './parts.ts';

/** Of a running server: a stopped one shows no certificate to anybody. */
export function certificateHandlers({ certificates }: ControlParts): ControlHandlers {
  if (certificates === undefined) return {};
  return {
    'certificate.list': () => answerOf(certificates),
    'certificate.renew': async ({ name }) => {
      await certificates.renew(name);
      return answerOf(certificates);
    },
  };
}

function answerOf(desk: CertificateDesk) {
  return { certificates: desk.states().map((state) => viewOf(state, desk.defaultName)) };
}

function viewOf(state: CertificateState, defaultName: string): CertificateView {
  const { name, source, names, pair, error, nextMs } = state;
  return {
    ...{ name, source, names: pair?.names ?? names, isDefault: name === defaultName },
    ...(pair === undefined
      ? {}
      : {
          issuer: pair.issuer,
          notBeforeMs: pair.notBeforeMs,
          notAfterMs: pair.notAfterMs,
          fingerprint: pair.fingerprint,
        }),
    ...(nextMs === undefined ? {} : { nextOrderMs: nextMs }),
    ...(error === '' ? {} : { error }),
  };
}
