/**
 * Tests of mailboxes and their annotations.
 *
 * Specs:     RFC 5490 §3.1 (mailboxexists), §3.3 to §3.6 (metadata), RFC 8579 §3 (specialuse_exists), RFC 9042 §5
 *            (mailboxidexists).
 */

import type { Extension } from '../compile/spec.ts';

export const mailboxes: Extension = {
  names: ['mailbox', 'mboxmetadata', 'servermetadata', 'special-use', 'mailboxid'],
  tests: [
    {
      name: 'mailboxexists',
      extensions: ['mailbox'],
      positional: [{ name: 'mailboxes', kind: 'strings' }],
      run: (machine, args) =>
        machine.texts(args.texts('mailboxes')).every((name) => machine.host.mailboxes.exists(name)),
    },
    {
      name: 'mailboxidexists',
      extensions: ['mailboxid'],
      positional: [{ name: 'mailbox ids', kind: 'strings' }],
      run: (machine, args) =>
        machine
          .texts(args.texts('mailbox ids'))
          .every((id) => machine.host.mailboxes.existsById(id)),
    },
    {
      name: 'specialuse_exists',
      extensions: ['special-use'],
      positional: [
        { name: 'mailbox', kind: 'string', isOptional: true },
        { name: 'special uses', kind: 'strings' },
      ],
      run: (machine, args) => {
        const mailbox = machine.optionalText(args, 'mailbox');
        return machine
          .texts(args.texts('special uses'))
          .every((use) => machine.host.mailboxes.hasSpecialUse(mailbox, use));
      },
    },
    {
      name: 'metadata',
      extensions: ['mboxmetadata'],
      positional: [
        { name: 'mailbox', kind: 'string' },
        { name: 'annotation', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      run: (machine, args) => {
        const mailbox = machine.text(args.text('mailbox'));
        const entry = machine.text(args.text('annotation'));
        const value = machine.host.mailboxes.metadata(mailbox, entry);
        return value !== undefined && machine.matches(args, [value]);
      },
    },
    {
      name: 'metadataexists',
      extensions: ['mboxmetadata'],
      positional: [
        { name: 'mailbox', kind: 'string' },
        { name: 'annotations', kind: 'strings' },
      ],
      run: (machine, args) => {
        const mailbox = machine.text(args.text('mailbox'));
        return machine
          .texts(args.texts('annotations'))
          .every((entry) => machine.host.mailboxes.metadata(mailbox, entry) !== undefined);
      },
    },
    {
      name: 'servermetadata',
      extensions: ['servermetadata'],
      positional: [
        { name: 'annotation', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      run: (machine, args) => {
        const value = machine.host.mailboxes.serverMetadata(machine.text(args.text('annotation')));
        return value !== undefined && machine.matches(args, [value]);
      },
    },
    {
      name: 'servermetadataexists',
      extensions: ['servermetadata'],
      positional: [{ name: 'annotations', kind: 'strings' }],
      run: (machine, args) =>
        machine
          .texts(args.texts('annotations'))
          .every((entry) => machine.host.mailboxes.serverMetadata(entry) !== undefined),
    },
  ],
};
