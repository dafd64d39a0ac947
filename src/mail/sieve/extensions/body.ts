/**
 * body: tests of what stands behind the header.
 *
 * Specs:     RFC 5173 (transforms in §5; §6: wildcards give no match variables).
 */

import type { Extension } from '../compile/spec.ts';
import {
  contentTexts,
  hasBody,
  hasContentType,
  rawBody,
  readableTexts,
} from '../message/part-text.ts';

export const body: Extension = {
  names: ['body'],
  tests: [
    {
      name: 'body',
      extensions: ['body'],
      tags: [
        { name: 'raw', group: 'transform' },
        { name: 'text', group: 'transform' },
        { name: 'content', group: 'transform', value: 'strings' },
      ],
      positional: [{ name: 'keys', kind: 'strings' }],
      keys: 'keys',
      run: (machine, args) => {
        const { message } = machine;
        if (!hasBody(message)) return false;
        if (args.has(':raw')) {
          const raw = message.texts('raw', () => [rawBody(message)]);
          return machine.matches(args, raw, false);
        }
        if (!args.has(':content')) {
          const texts = message.texts('text', () => readableTexts(message));
          return machine.matches(args, texts, false);
        }
        const types = machine.texts(args.texts(':content'));
        const texts = message.parts.flatMap((part, i) => {
          machine.charge(types.length, args.at);
          if (!types.some((type) => hasContentType(part, type))) return [];
          return message.texts(`content ${i}`, () => contentTexts(message, part));
        });
        return machine.matches(args, texts, false);
      },
    },
  ],
};
