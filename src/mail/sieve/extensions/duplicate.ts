/**
 * duplicate: whether a message with the same identifier came before.
 *
 * Specs:     RFC 7352. The identifier is remembered only once the run's actions are done (§3).
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension } from '../compile/spec.ts';
import type { Machine } from '../run/machine.ts';

const secondsByDefault = 7 * 86_400;
const secondsMax = 30 * 86_400;

/** The identifier with the handle; undefined: the message has none (§3.1: then it is no duplicate). */
function keyOf(machine: Machine, args: Arguments): string | undefined {
  const handle = machine.optionalText(args, ':handle') ?? '';
  const unique = machine.optionalText(args, ':uniqueid');
  if (unique !== undefined)
    return unique === '' ? undefined : JSON.stringify([handle, 'id', unique]);
  const name = machine.optionalText(args, ':header') ?? 'message-id';
  const value = machine.message.headers.texts(name)[0];
  if (value === undefined || value === '') return undefined;
  return JSON.stringify([handle, 'id', value]);
}

export const duplicate: Extension = {
  names: ['duplicate'],
  tests: [
    {
      name: 'duplicate',
      extensions: ['duplicate'],
      tags: [
        { name: 'handle', value: 'string' },
        { name: 'header', value: 'string', group: 'identifier' },
        { name: 'uniqueid', value: 'string', group: 'identifier' },
        { name: 'seconds', value: 'number' },
        { name: 'last' },
      ],
      run: (machine, args) => {
        const key = keyOf(machine, args);
        if (key === undefined) return false;
        const asked = args.has(':seconds') ? args.number(':seconds') : secondsByDefault;
        const seconds = Math.min(asked, secondsMax);
        const ageMs = machine.host.rememberedMs(key);
        const isDuplicate = ageMs !== undefined && ageMs < seconds * 1_000;
        const { marks } = machine.outcome;
        if ((!isDuplicate || args.has(':last')) && !marks.some((mark) => mark.key === key)) {
          marks.push({ key, seconds });
        }
        return isDuplicate;
      },
    },
  ],
};
