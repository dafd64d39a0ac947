/** Settings of what may be attached to mail, for a scanner of kind `attachments`. */

import { usualAttachmentTypes } from '../attachment-types.ts';
import { read, section, unreadable } from '../field.ts';
import { choice, list } from '../fields.ts';

const outcome = (doc: string, fallback: 'accept' | 'mark' | 'quarantine' | 'reject') =>
  choice({
    values: ['accept', 'mark', 'quarantine', 'reject'],
    ...{ default: fallback, reload: 'restart', doc },
  });

export const attachmentsSection = section(
  'What becomes of mail by what is attached to it, where `scanners.list` has a scanner of kind "attachments" (docs/attachments.md).',
  {
    types: list<string>({
      type: 'extensions',
      default: [...usualAttachmentTypes],
      example: '["exe", "js", "iso"]',
      reload: 'restart',
      doc: 'Extensions that are not to come, in archives too.',
      readItem: (item) =>
        /^[a-z0-9_-]{1,20}$/.test(item)
          ? read(item)
          : unreadable(`"${item}" is no extension: lower case, without its dot`),
      write: (item) => item,
    }),
    type: outcome('What becomes of mail with one of them.', 'reject'),
    disguised: outcome(
      'Of a program under another name, and of a name that is not read as it is.',
      'quarantine',
    ),
    macro: outcome('Of an office document with macros or embedded objects.', 'quarantine'),
    encrypted: outcome(
      'Of an archive or document under a password: nobody can look inside.',
      'accept',
    ),
    damaged: outcome('Of an archive without its end.', 'accept'),
    deep: outcome(
      'Of a message or an archive that holds more than is looked at, or what cannot be inflated.',
      'quarantine',
    ),
  },
);
