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
        if (args.has(':raw')) return machine.matches(args, [rawBody(message)], false);
        if (!args.has(':content')) return machine.matches(args, readableTexts(message), false);
        const types = machine.texts(args.texts(':content'));
        const parts = message.parts.filter((part) =>
          types.some((type) => hasContentType(part, type)),
        );
        const texts = parts.flatMap((part) => contentTexts(message, part));
        return machine.matches(args, texts, false);
      },
    },
  ],
};
