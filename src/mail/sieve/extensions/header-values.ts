/**
 * The fields that a test looks at: of the message or of a part, all of a name or one, whole or a piece of each.
 *
 * Runs in:   engine threads and jobs.
 * Specs:     RFC 5260 §6 (:index counts within each name), RFC 5703 §4 (:mime, :anychild, :type and its like).
 */

import { parameter, parseParameterised } from '../../formats/headers/parameters.ts';
import type { Arguments } from '../compile/arguments.ts';
import type { HeaderList } from '../message/header-list.ts';
import { partsBelow } from '../message/message.ts';
import type { Machine } from '../run/machine.ts';

/** What looking up one name costs, in characters compared. */
const fieldCost = 16;

/** The headers that a test means: one as a rule. */
export function headersMeant(machine: Machine, args: Arguments): readonly HeaderList[] {
  const { message } = machine;
  if (!args.has(':mime')) return [message.headers];
  const part = machine.part ?? message.root;
  const parts = args.has(':anychild') ? partsBelow(part) : [part];
  machine.charge(parts.length * fieldCost, args.at);
  return parts.map((each) => message.headersOf(each));
}

/** Values of the named fields, those that `:index` leaves. */
export function fieldValues(
  machine: Machine,
  args: Arguments,
  names: readonly string[],
  read: 'raw' | 'texts',
): readonly string[] {
  const values: string[] = [];
  for (const headers of headersMeant(machine, args)) {
    // Looking for fields is work, too, whether or not there are any.
    machine.charge(names.length * fieldCost, args.at);
    for (const name of names) values.push(...indexed(headers[read](name), args));
  }
  for (const value of values) machine.charge(value.length, args.at);
  return values;
}

function indexed(values: readonly string[], args: Arguments): readonly string[] {
  if (!args.has(':index')) return values;
  const index = args.number(':index');
  const at = args.has(':last') ? values.length - index : index - 1;
  const value = values[at];
  return value === undefined ? [] : [value];
}

/** RFC 5703 §4.1 and §4.2: the piece of a MIME field that a test asks for. */
export function mimePieces(machine: Machine, args: Arguments, raws: readonly string[]): string[] {
  const names = args.has(':param') ? machine.texts(args.texts(':param')) : [];
  return raws.flatMap((raw) => {
    const { value, parameters } = parseParameterised(raw);
    if (args.has(':param')) {
      return names
        .map((name) => parameter(parameters, name.toLowerCase()))
        .filter((text) => text !== undefined);
    }
    if (args.has(':contenttype')) return [value];
    const slash = value.indexOf('/');
    if (args.has(':type')) return [slash < 0 ? value : value.slice(0, slash)];
    return [slash < 0 ? '' : value.slice(slash + 1)];
  });
}
