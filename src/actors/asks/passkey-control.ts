/**
 * What may be asked of an account's passkeys.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Specs:     WebAuthn Level 3 §5.1 (`PublicKeyCredentialCreationOptionsJSON`, `RegistrationResponseJSON`).
 * Limits:    each text has one.
 */

import { type TProperties, Type } from 'typebox';
import {
  type Act,
  addressText,
  count,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
} from './act.ts';

const oneAccount = { address: addressText };
const text = Type.String();
const bytesText = (maxLength: number) => Type.String({ maxLength, pattern: '^[A-Za-z0-9_-]*$' });
const credentialText = Type.String({ minLength: 1, maxLength: 1_400, pattern: '^[A-Za-z0-9_-]+$' });

/** What `PublicKeyCredential.toJSON` makes. */
export function passkeyAnswer<P extends TProperties>(response: P) {
  return only({
    id: credentialText,
    rawId: credentialText,
    type: Type.Literal('public-key'),
    response: only(response),
    authenticatorAttachment: Type.Optional(Type.Enum(['platform', 'cross-platform'])),
    clientExtensionResults: Type.Object({}),
  });
}

const made = passkeyAnswer({
  attestationObject: bytesText(16_384),
  clientDataJSON: bytesText(4_096),
  authenticatorData: Type.Optional(bytesText(4_096)),
  publicKey: Type.Optional(bytesText(4_096)),
  publicKeyAlgorithm: Type.Optional(Type.Integer()),
  transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 8 })),
});

const credential = Type.Object({ type: Type.Literal('public-key'), id: text });

const creationOptions = Type.Object(
  {
    rp: Type.Object({ id: text, name: text }),
    user: Type.Object({ id: text, name: text, displayName: text }),
    challenge: text,
    pubKeyCredParams: listOf(
      Type.Object({ type: Type.Literal('public-key'), alg: Type.Integer() }),
    ),
    timeout: Type.Integer({ description: 'Milliseconds.' }),
    excludeCredentials: listOf(credential),
    authenticatorSelection: Type.Object({
      residentKey: Type.Literal('required'),
      requireResidentKey: Type.Literal(true),
      userVerification: Type.Literal('required'),
    }),
    attestation: Type.Literal('none'),
  },
  { description: 'For `PublicKeyCredential.parseCreationOptionsFromJSON`.' },
);

export const passkeyActs = {
  'passkey.options': {
    rest: 'POST /api/v1/accounts/{address}/passkeys/options',
    summary: 'What a browser needs to make a passkey for an account.',
    params: only(oneAccount),
    result: creationOptions,
  },
  'passkey.add': {
    rest: 'POST /api/v1/accounts/{address}/passkeys',
    summary:
      'Takes a passkey that a browser made. With the first second factor come recovery codes, this once.',
    params: only({ ...oneAccount, name: nameText, passkey: made }),
    result: Type.Object({ id: count, recoveryCodes: listOf(text) }),
  },
  'factor.remove': {
    rest: 'DELETE /api/v1/accounts/{address}/second-factors/{id}',
    summary: 'Forgets one second factor of an account; recovery codes go with the last of them.',
    params: only({ ...oneAccount, id: count }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type PasskeyMethods = MethodsOf<typeof passkeyActs>;
