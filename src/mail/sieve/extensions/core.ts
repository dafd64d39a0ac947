/**
 * The language itself: keep, discard, redirect; header, address, envelope, exists, size.
 *
 * Specs:     RFC 5228 §4 and §5, RFC 3894 (:copy), RFC 6134 §2.4 (redirect :list).
 */

import type { Arguments } from '../compile/arguments.ts';
import {
  addressPartTags,
  type Extension,
  indexTags,
  mimeTags,
  type TagSpec,
  type TestSpec,
} from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';
import {
  type AddressPart,
  addressesIn,
  addressPart,
  addressText,
  oneAddress,
  pathAddress,
} from '../message/address-parts.ts';
import type { Machine } from '../run/machine.ts';
import { flagsOf, flagsTag } from './flags.ts';
import { fieldValues, headersMeant, mimePieces } from './header-values.ts';

const mimePieceTags: readonly TagSpec[] = [
  { name: 'type', extension: 'mime', group: 'mime-piece', needs: 'mime' },
  { name: 'subtype', extension: 'mime', group: 'mime-piece', needs: 'mime' },
  { name: 'contenttype', extension: 'mime', group: 'mime-piece', needs: 'mime' },
  { name: 'param', extension: 'mime', group: 'mime-piece', needs: 'mime', value: 'strings' },
];

const header: TestSpec = {
  name: 'header',
  tags: [...indexTags, ...mimeTags, ...mimePieceTags],
  positional: [
    { name: 'header names', kind: 'strings' },
    { name: 'keys', kind: 'strings' },
  ],
  keys: 'keys',
  check: checkIndex,
  run: (machine, args) => {
    const names = machine.texts(args.texts('header names'));
    const isPiece = mimePieceTags.some(({ name }) => args.has(`:${name}`));
    if (!isPiece) return machine.matches(args, fieldValues(machine, args, names, 'texts'));
    return machine.matches(
      args,
      mimePieces(machine, args, fieldValues(machine, args, names, 'raw')),
    );
  },
};

const address: TestSpec = {
  name: 'address',
  tags: [...addressPartTags, ...indexTags, ...mimeTags],
  positional: [
    { name: 'header names', kind: 'strings' },
    { name: 'keys', kind: 'strings' },
  ],
  keys: 'keys',
  check: checkIndex,
  run: (machine, args) => {
    const names = machine.texts(args.texts('header names'));
    const addresses = fieldValues(machine, args, names, 'raw').flatMap(addressesIn);
    const { detailSeparator } = machine.host;
    const values = addresses
      .map((each) => addressPart(each, partOf(args), detailSeparator))
      .filter((value) => value !== undefined);
    return machine.matches(args, values);
  },
};

const envelope: TestSpec = {
  name: 'envelope',
  extensions: ['envelope'],
  tags: addressPartTags,
  positional: [
    { name: 'envelope parts', kind: 'strings' },
    { name: 'keys', kind: 'strings' },
  ],
  keys: 'keys',
  check: (args) => {
    for (const part of args.constants('envelope parts')) {
      if (!envelopeParts.has(part.toLowerCase())) {
        throw args.fault('envelope parts', `there is no envelope part ${JSON.stringify(part)}`);
      }
    }
  },
  run: (machine, args) => {
    const parts = machine.texts(args.texts('envelope parts'));
    return machine.matches(
      args,
      parts.flatMap((part) => envelopeValues(machine, args, part.toLowerCase())),
    );
  },
};

const envelopeParts: ReadonlySet<string> = new Set(['from', 'to', 'auth']);

/** RFC 5228 §5.4: the null reverse-path is the empty string, whatever part of it is asked for. */
function envelopeValues(machine: Machine, args: Arguments, part: string): readonly string[] {
  const { from, to, auth } = machine.host.envelope;
  const text = part === 'from' ? from : part === 'to' ? to : part === 'auth' ? auth : undefined;
  if (text === undefined) return [];
  if (text === '' || text === '<>') return [''];
  const parsed = part === 'auth' ? { localPart: text, domain: '' } : pathAddress(text);
  if (parsed === undefined) return [];
  const value = addressPart(parsed, partOf(args), machine.host.detailSeparator);
  return value === undefined ? [] : [value];
}

function partOf(args: Arguments): AddressPart {
  const tag = addressPartTags.find(({ name }) => args.has(`:${name}`));
  return (tag?.name ?? 'all') as AddressPart;
}

export function checkIndex(args: Arguments): void {
  if (args.has(':index') && args.number(':index') < 1) {
    throw args.fault(':index', 'fields are counted from 1');
  }
}

const exists: TestSpec = {
  name: 'exists',
  tags: mimeTags,
  positional: [{ name: 'header names', kind: 'strings' }],
  run: (machine, args) => {
    const headers = headersMeant(machine, args);
    const names = machine.texts(args.texts('header names'));
    return names.every((name) => headers.some((each) => each.has(name)));
  },
};

const size: TestSpec = {
  name: 'size',
  tags: [
    { name: 'over', group: 'side' },
    { name: 'under', group: 'side' },
  ],
  positional: [{ name: 'size', kind: 'number' }],
  check: (args) => {
    if (args.has(':over') || args.has(':under')) return;
    throw new SieveFault(args.at, 'size wants :over or :under');
  },
  // RFC 5228 §5.9: neither is true of the very size.
  run: (machine, args) => {
    const octets = machine.message.size;
    return args.has(':over') ? octets > args.number('size') : octets < args.number('size');
  },
};

export const core: Extension = {
  names: ['envelope', 'copy'],
  tests: [header, address, envelope, exists, size],
  commands: [
    {
      name: 'keep',
      tags: [flagsTag],
      run: (machine, args) => {
        machine.outcome.add({ action: 'keep', ...flagsOf(machine, args) }, args.at);
      },
    },
    {
      name: 'discard',
      run: (machine, args) => {
        machine.outcome.keepsImplicitly = false;
        machine.outcome.add({ action: 'discard' }, args.at);
      },
    },
    {
      name: 'redirect',
      tags: [
        { name: 'copy', extension: 'copy' },
        { name: 'list', extension: 'extlists' },
      ],
      positional: [{ name: 'address', kind: 'string' }],
      check: (args) => {
        const text = args.constant('address');
        if (text === undefined || args.has(':list')) return;
        if (oneAddress(text) === undefined) throw args.fault('address', notAddress(text));
      },
      run: redirect,
    },
  ],
};

function redirect(machine: Machine, args: Arguments): void {
  const text = machine.text(args.text('address'));
  if (!args.has(':copy')) machine.outcome.keepsImplicitly = false;
  if (args.has(':list')) {
    if (!machine.host.lists.isKnown(text)) throw args.fault('address', `no such list: ${text}`);
    machine.outcome.add({ action: 'redirect', address: text, isList: true }, args.at);
    return;
  }
  const parsed = oneAddress(text);
  if (parsed === undefined) throw args.fault('address', notAddress(text));
  machine.outcome.add({ action: 'redirect', address: addressText(parsed) }, args.at);
}

export function notAddress(text: string): string {
  return `${JSON.stringify(text.slice(0, 100))} is no address`;
}
