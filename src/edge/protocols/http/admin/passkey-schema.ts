/**
 * Schemas of what a browser says of passkeys and is told of them.
 *
 * Runs in:   edge (main thread); plain data.
 * Specs:     WebAuthn Level 3 §5.1 (`RegistrationResponseJSON`, `AuthenticationResponseJSON`).
 * Limits:    each text has one.
 */

import { Type } from 'typebox';
import { passkeyAnswer } from '../../../../actors/asks/passkey-control.ts';

const bytesText = (maxLength: number) => Type.String({ maxLength, pattern: '^[A-Za-z0-9_-]*$' });

export const passkeyShown = passkeyAnswer({
  authenticatorData: bytesText(4_096),
  clientDataJSON: bytesText(4_096),
  signature: bytesText(2_048),
  userHandle: Type.Optional(Type.Union([bytesText(128), Type.Null()])),
});

export const requestOptions = Type.Object(
  {
    challenge: Type.String(),
    timeout: Type.Integer({ description: 'Milliseconds.' }),
    rpId: Type.String(),
    userVerification: Type.Literal('required'),
  },
  { description: 'For `PublicKeyCredential.parseRequestOptionsFromJSON`.' },
);
