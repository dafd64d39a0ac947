/** `chaski tenant policy`: what a tenant demands of log-ins and passwords. */

import type { PolicyView } from '../../actors/asks/credential-control.ts';
import {
  passwordHistoryMax,
  passwordLengthLimits,
  passwordScoreMax,
} from '../../ports/log-in-policy.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { pairs } from '../output.ts';

const dayMs = 86_400_000;

function describe(policy: PolicyView) {
  const { passwordHistoryMax: history, passwordAgeMsMax: ageMs } = policy;
  const yes = (is: boolean) => (is ? 'yes' : 'no');
  return pairs([
    ['second factor demanded', yes(policy.needsSecondFactor)],
    ['SCRAM allowed', yes(policy.allowsScram)],
    ['client certificates allowed', yes(policy.allowsCertificates)],
    ['consent demanded', yes(policy.needsConsent)],
    ['password alone, with a factor', policy.allowsPasswordAlone ? 'opens mail' : 'opens nothing'],
    ['passkey alone', policy.allowsPasskeyAlone ? 'opens the web' : 'opens nothing'],
    ['password characters', `${policy.passwordLengthMin} or more`],
    ['password strength', `${policy.passwordScoreMin} of ${passwordScoreMax} or more`],
    ['password history', history === 0 ? 'none' : `the last ${history}`],
    ['password age', ageMs === 0 ? 'any' : `${ageMs / dayMs} days at most`],
    ['breached passwords', policy.refusesBreached ? 'refused' : 'taken'],
  ]);
}

function switchOf(options: OptionValues, name: string): boolean | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  if (text !== 'on' && text !== 'off') throw new UsageError(`--${name} is on or off`);
  return text === 'on';
}

const onOff = (doc: string) => ({ type: 'string', value: 'on|off', doc }) as const;

export const tenantPolicyCommand: Command = {
  name: 'tenant policy',
  summary: 'Show or change what a tenant demands of log-ins and passwords.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  options: {
    'second-factor': onOff(
      'A main password alone opens nothing: mail programs need app passwords.',
    ),
    scram: onOff('Verifiers for SCRAM are made with each password, and SCRAM is offered.'),
    certificates: onOff(
      'Client certificates open accounts, as `clientCertificate` in the settings maps them.',
    ),
    consent: onOff("Access to another's account waits for a second person."),
    'password-alone': onOff(
      'The main password opens mail to programs, though its account has a second factor.',
    ),
    'passkey-alone': onOff('A passkey opens the web without a password.'),
    'password-length': { type: 'string', value: 'N', doc: 'Characters at least.' },
    'password-strength': { type: 'string', value: 'N', doc: 'By zxcvbn, 0 (anything) to 4.' },
    'password-history': {
      type: 'string',
      value: 'N',
      doc: 'Earlier ones that may not come again.',
    },
    'password-age': { type: 'string', value: 'TIME', doc: 'As 90d; 0d: any age.' },
    breached: onOff('Passwords of the list in `login.breachedPasswords` are refused.'),
  },
  examples: ['tenant policy acme', 'tenant policy acme --second-factor on --password-strength 3'],
  async run({ arguments: [tenant], options, output, control }) {
    const { least, most } = passwordLengthLimits;
    const changes = {
      needsSecondFactor: switchOf(options, 'second-factor'),
      allowsScram: switchOf(options, 'scram'),
      allowsCertificates: switchOf(options, 'certificates'),
      needsConsent: switchOf(options, 'consent'),
      allowsPasswordAlone: switchOf(options, 'password-alone'),
      allowsPasskeyAlone: switchOf(options, 'passkey-alone'),
      refusesBreached: switchOf(options, 'breached'),
      passwordLengthMin: options.number('password-length', least, most),
      passwordScoreMin: options.number('password-strength', 0, passwordScoreMax),
      passwordHistoryMax: options.number('password-history', 0, passwordHistoryMax),
      passwordAgeMsMax: durationMs('password-age', options.text('password-age')),
    };
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    const connection = await control();
    const policy =
      given.length === 0
        ? await connection.call('policy.show', { tenant: tenant! })
        : await connection.call('policy.set', { tenant: tenant!, ...Object.fromEntries(given) });
    output.result(policy, describe);
    return undefined;
  },
};
