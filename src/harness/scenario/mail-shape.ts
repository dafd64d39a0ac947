/**
 * What a group of SMTP or LMTP sessions may say in a scenario, and the plan made of it.
 *
 * Runs in:   load generator.
 * Limits:    `listCountMax` senders, destinations and kinds of messages each.
 */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { KindPlan } from '../corpus/kinds.ts';
import { mimeKinds } from '../corpus/mime.ts';
import { expandTemplate, parseRecipients } from '../corpus/recipients.ts';
import {
  choice,
  FieldFault,
  flag,
  list,
  optional,
  type Path,
  positive,
  type Read,
  record,
  secret,
  size,
  text,
  whole,
  withDefault,
} from '../fields.ts';
import { tlsModes } from '../load/connection.ts';
import { mechanisms } from '../load/smtp/authentication.ts';
import type { SmtpPlan, TenantPlan } from '../load/smtp/smtp-plan.ts';

const listCountMax = 100;
const recipientsCountMax = 1_000;
const messageBytesDefault = 1_024;
const fromDefault = 'load@example.net';
const toDefault = 'sink@example.com';

const weight = withDefault(positive('a number above 0, as 3'), 1);
const address = text('an address as user@example.com');
const addresses = text('an address, a template as user{1-100}@example.com, or a file of them');

const sender = record({
  weight,
  from: address,
  user: optional(text('a user name')),
  password: optional(secret('a password')),
  passwordFile: optional(text('a file whose first line is the password')),
});
const destination = record({ weight, to: addresses });
const message = record({
  weight,
  size: optional(size()),
  mime: optional(choice(mimeKinds)),
  attachment: optional(size()),
  folder: optional(text('a folder of .eml files')),
  mbox: optional(text('an mbox file')),
});

export const mailShape = {
  pipeline: withDefault(flag(), false),
  chunking: withDefault(flag(), false),
  tls: withDefault(choice(tlsModes), 'none'),
  tlsName: optional(text('the name in the server’s certificate')),
  verify: withDefault(flag(), false),
  auth: optional(choice(mechanisms)),
  from: optional(address),
  user: optional(text('a user name')),
  password: optional(secret('a password')),
  senders: optional(list(sender, listCountMax)),
  to: optional(addresses),
  destinations: optional(list(destination, listCountMax)),
  recipients: withDefault(whole(1, recipientsCountMax), 1),
  size: optional(size()),
  messages: optional(list(message, listCountMax)),
};

/** A key, and the list that says the same at length. */
const eitherOr = [
  ['size', 'messages'],
  ['to', 'destinations'],
  ['from', 'senders'],
  ['user', 'senders'],
  ['password', 'senders'],
] as const;

type MailValues = { readonly [K in keyof typeof mailShape]: Read<(typeof mailShape)[K]> };

/** `base`: the folder that names of files are relative to. */
export function mailPlan(values: MailValues, lmtp: boolean, base: string, path: Path): SmtpPlan {
  const { pipeline, chunking, tls, verify, auth, recipients, tlsName } = values;
  for (const [short, long] of eitherOr) {
    if (values[short] === undefined || values[long] === undefined) continue;
    throw new FieldFault([...path, short], `stands beside "${long}"; write one of them`);
  }
  const given = values.destinations ?? [{ weight: 1, to: values.to ?? toDefault }];
  const destinations = given.map((each) => ({
    weight: each.weight,
    addresses: readAddresses(each.to, base, [...path, 'to']),
  }));
  const fewest = Math.min(...destinations.map(({ addresses }) => addresses.length));
  if (recipients > fewest) {
    const message = `is ${recipients}, but there are only ${fewest} addresses to send to; add some`;
    throw new FieldFault([...path, 'recipients'], message);
  }
  return {
    ...{ lmtp, pipeline, chunking, tls, isVerified: verify, mechanism: auth, recipients },
    ...(tlsName === undefined ? {} : { tlsName }),
    tenants: tenants(values, base, path),
    destinations,
    messages: messageKinds(values, base, path),
  };
}

function tenants(values: MailValues, base: string, path: Path): readonly TenantPlan[] {
  if (values.senders === undefined) {
    const { from = fromDefault, user, password } = values;
    return [{ weight: 1, from, credentials: credentials(user, password, path) }];
  }
  return values.senders.map((each, index) => {
    const at = [...path, 'senders', index];
    const fromFile =
      each.passwordFile === undefined
        ? undefined
        : readText(each.passwordFile, base, [...at, 'passwordFile']).split(/\r?\n/)[0];
    const found = credentials(each.user, each.password ?? fromFile, at);
    return { weight: each.weight, from: each.from, credentials: found };
  });
}

function credentials(user: string | undefined, password: string | undefined, path: Path) {
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined) throw new FieldFault(path, 'has a password but no user: write "user"');
  if (password === undefined) {
    throw new FieldFault(path, 'has a user but no password: write "password"');
  }
  return { user, password };
}

function messageKinds(values: MailValues, base: string, path: Path): readonly KindPlan[] {
  if (values.messages === undefined) {
    return [{ kind: 'sized', weight: 1, bytes: values.size ?? messageBytesDefault }];
  }
  return values.messages.map((each, index) => {
    const at = [...path, 'messages', index];
    const named = (['size', 'mime', 'folder', 'mbox'] as const).filter(
      (name) => each[name] !== undefined,
    );
    if (named.length !== 1) {
      const have = named.length === 0 ? 'none' : named.join(' and ');
      throw new FieldFault(at, `has ${have}; write one of size, mime, folder, mbox`);
    }
    if (each.attachment !== undefined && each.mime !== 'attachment') {
      throw new FieldFault([...at, 'attachment'], 'is for "mime: attachment" only; take it out');
    }
    const common = { weight: each.weight };
    if (each.size !== undefined) return { ...common, kind: 'sized', bytes: each.size };
    if (each.mime !== undefined) {
      return { ...common, kind: 'mime', mime: each.mime, attachmentBytes: each.attachment };
    }
    const kind = each.folder === undefined ? 'mbox' : 'folder';
    return { ...common, kind, path: resolve(base, (each.folder ?? each.mbox)!) };
  });
}

function readAddresses(to: string, base: string, path: Path): readonly string[] {
  if (existsSync(resolve(base, to))) {
    const all = parseRecipients(readText(to, base, path));
    if (all.length === 0) throw new FieldFault(path, `: ${to} holds no addresses`);
    return all;
  }
  if (!to.includes('@')) {
    throw new FieldFault(path, `is "${to}": neither an address nor a file that is there`);
  }
  try {
    return expandTemplate(to);
  } catch (error) {
    throw new FieldFault(path, (error as Error).message);
  }
}

export function readText(file: string, base: string, path: Path): string {
  try {
    return readFileSync(resolve(base, file), 'utf8');
  } catch (error) {
    throw new FieldFault(path, `cannot be read: ${(error as Error).message}`);
  }
}
