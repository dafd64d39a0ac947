/**
 * EXTERNAL: TLS has shown who the client is, by its certificate.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4422 appendix A; RFC 4422 §3.2 (offered only where there is something to use).
 */

import { attempt } from './log-in.ts';
import { bad, challenge, isName, type SaslMechanism, type SaslSession } from './sasl-exchange.ts';

function certificateOf({ logIn: { proofs }, tls }: SaslSession): Uint8Array | undefined {
  return proofs?.certificates === undefined ? undefined : tls?.clientCertificate?.();
}

export const externalMechanism: SaslMechanism = {
  name: 'EXTERNAL',
  isOffered: (session) => certificateOf(session) !== undefined,
  begin: (session) => ({
    next(response) {
      // RFC 4422 appendix A: an empty response asks for the certificate's own identity.
      if (response === undefined) return challenge('');
      const authorize = response.toString('utf8');
      const certificate = certificateOf(session);
      if (certificate === undefined || (authorize !== '' && !isName(authorize))) return bad;
      const { certificates } = session.logIn.proofs!;
      return attempt(session, authorize, () =>
        certificates!.check(certificate, authorize, session),
      ).then((answer) => ({ kind: 'ended', answer }));
    },
  }),
};
