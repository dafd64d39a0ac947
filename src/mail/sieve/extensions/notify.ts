/**
 * notify: word of a message, sent by mail.
 *
 * Specs:     RFC 5435, RFC 5436 (mailto). Other methods are not there: §3.2 makes them an error of the run.
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension } from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';
import { oneAddress } from '../message/address-parts.ts';
import { mailtoRecipients } from '../message/mailto.ts';
import type { Notify } from '../run/actions.ts';
import type { Machine } from '../run/machine.ts';
import { notAddress } from './core.ts';
import { checkSpecialUse, fccOf, fccTags } from './filing.ts';

const option = /^[a-z0-9][a-z0-9._-]*=[^\n\0]*$/i;

function check(args: Arguments): void {
  const importance = args.constant(':importance');
  if (importance !== undefined && !/^[123]$/.test(importance)) {
    throw args.fault(':importance', ':importance is "1", "2" or "3"');
  }
  const from = args.constant(':from');
  if (from !== undefined && oneAddress(from) === undefined)
    throw args.fault(':from', notAddress(from));
  for (const text of args.constants(':options')) {
    if (!option.test(text))
      throw args.fault(':options', `${JSON.stringify(text)} is no option: NAME=VALUE is one`);
  }
  const method = args.constant('method');
  if (method !== undefined && /^mailto:/i.test(method) && mailtoRecipients(method) === undefined) {
    throw args.fault('method', notMethod(method));
  }
  checkSpecialUse(args);
}

function notMethod(method: string): string {
  return `${JSON.stringify(method.slice(0, 100))} is no way to give notice: "mailto:NAME@DOMAIN" is one`;
}

function run(machine: Machine, args: Arguments): void {
  const method = machine.text(args.text('method'));
  if (mailtoRecipients(method) === undefined) throw args.fault('method', notMethod(method));
  const importance = Number(machine.optionalText(args, ':importance') ?? '2');
  if (importance !== 1 && importance !== 2 && importance !== 3) {
    throw args.fault(':importance', ':importance is "1", "2" or "3"');
  }
  const from = machine.optionalText(args, ':from');
  const { headers } = machine.message;
  const notice: Notify = {
    action: 'notify',
    method,
    message:
      machine.optionalText(args, ':message') ??
      `${headers.texts('from')[0] ?? 'Somebody'}: ${headers.texts('subject')[0] ?? '(no subject)'}`,
    ...(args.has(':message') ? {} : { isDefault: true }),
    importance,
    ...(from === undefined ? {} : { from }),
    options: args.has(':options') ? machine.texts(args.texts(':options')) : [],
    ...fccOf(machine, args),
  };
  if (notice.options.some((text) => !option.test(text))) {
    throw new SieveFault(args.at, 'an option is NAME=VALUE');
  }
  machine.outcome.add(notice, args.at);
}

export const notify: Extension = {
  names: ['enotify'],
  commands: [
    {
      name: 'notify',
      extensions: ['enotify'],
      tags: [
        { name: 'from', value: 'string' },
        { name: 'importance', value: 'string' },
        { name: 'options', value: 'strings' },
        { name: 'message', value: 'string' },
        ...fccTags,
      ],
      positional: [{ name: 'method', kind: 'string' }],
      check,
      run,
    },
  ],
  tests: [
    {
      name: 'valid_notify_method',
      extensions: ['enotify'],
      positional: [{ name: 'notification URIs', kind: 'strings' }],
      run: (machine, args) =>
        machine
          .texts(args.texts('notification URIs'))
          .every((uri) => mailtoRecipients(uri) !== undefined),
    },
    {
      name: 'notify_method_capability',
      extensions: ['enotify'],
      positional: [
        { name: 'notification URI', kind: 'string' },
        { name: 'capability', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      run: (machine, args) => {
        const isKnown = machine.text(args.text('capability')).toLowerCase() === 'online';
        const uri = machine.text(args.text('notification URI'));
        // RFC 5436 §2.3: nobody knows of a mailbox whether somebody looks at it.
        return isKnown && mailtoRecipients(uri) !== undefined && machine.matches(args, ['maybe']);
      },
    },
  ],
};
