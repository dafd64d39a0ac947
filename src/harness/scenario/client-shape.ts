/**
 * What groups of sessions that open mailboxes have in common: TLS, and whose mailboxes they are.
 *
 * Runs in:   load generator.
 */

import { expandTemplate } from '../corpus/recipients.ts';
import {
  choice,
  FieldFault,
  flag,
  optional,
  type Path,
  type Read,
  secret,
  text,
  withDefault,
} from '../fields.ts';
import { tlsModes } from '../load/connection.ts';
import type { Credentials } from '../load/smtp/authentication.ts';
import { readText } from './mail-shape.ts';

export const clientShape = {
  tls: withDefault(choice(tlsModes), 'none'),
  tlsName: optional(text('the name in the server’s certificate')),
  verify: withDefault(flag(), false),
  user: text('a user name, or a template as user{1-100}@example.com'),
  password: optional(secret('a password')),
  passwordFile: optional(text('a file whose first line is the password')),
};

type ClientValues = { readonly [K in keyof typeof clientShape]: Read<(typeof clientShape)[K]> };

/** One account, or all that a template stands for, with one password. */
export function readClient(values: ClientValues, base: string, path: Path) {
  const { tls, tlsName, verify } = values;
  const named = tlsName === undefined ? {} : { tlsName };
  return { tls, ...named, isVerified: verify, accounts: readAccounts(values, base, path) };
}

function readAccounts(values: ClientValues, base: string, path: Path): readonly Credentials[] {
  const { user, passwordFile } = values;
  const password =
    passwordFile === undefined
      ? values.password
      : readText(passwordFile, base, [...path, 'passwordFile']).split(/\r?\n/)[0];
  if (password === undefined) {
    throw new FieldFault(path, 'has a user but no password: write "password"');
  }
  // A line's end would begin a command of its own.
  if (/[\r\n\0]/.test(user + password)) {
    throw new FieldFault(path, 'has a line end in its user or password: take it out');
  }
  try {
    return expandTemplate(user).map((each) => ({ user: each, password }));
  } catch (error) {
    throw new FieldFault([...path, 'user'], (error as Error).message);
  }
}
