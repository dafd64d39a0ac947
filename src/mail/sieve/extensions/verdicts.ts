/**
 * What was found about spam and viruses; and lists kept elsewhere.
 *
 * Specs:     RFC 5235 §2.2 to §2.4 (0: nobody looked), RFC 6134 §2.5.
 */

import type { Extension, TestSpec } from '../compile/spec.ts';
import type { Machine } from '../run/machine.ts';

/** RFC 5235 §2.2: from 1, tested and clear, to 10, surely spam. */
function tenth(percent: number): string {
  return String(Math.min(10, Math.max(1, 1 + Math.round((percent / 100) * 9))));
}

function spam({ host }: Machine, isPercent: boolean): string {
  const { spamPercent } = host.verdict;
  if (spamPercent === undefined) return '0';
  return isPercent ? String(Math.round(spamPercent)) : tenth(spamPercent);
}

function test(
  name: string,
  extensions: readonly string[],
  value: (machine: Machine, isPercent: boolean) => string,
  isTested: (machine: Machine) => boolean,
): TestSpec {
  return {
    name,
    extensions,
    tags: name === 'spamtest' ? [{ name: 'percent', extension: 'spamtestplus' }] : [],
    positional: [{ name: 'value', kind: 'string' }],
    keys: 'value',
    run: (machine, args) => {
      // RFC 5235 §2.2: what was not tested counts as none.
      if (args.matching?.type === 'count') {
        return machine.matches(args, isTested(machine) ? [''] : []);
      }
      return machine.matches(args, [value(machine, args.has(':percent'))], false);
    },
  };
}

export const verdicts: Extension = {
  names: ['spamtest', 'spamtestplus', 'virustest', 'extlists'],
  tests: [
    test(
      'spamtest',
      ['spamtest', 'spamtestplus'],
      spam,
      ({ host }) => host.verdict.spamPercent !== undefined,
    ),
    test(
      'virustest',
      ['virustest'],
      ({ host }) => String(host.verdict.virus ?? 0),
      ({ host }) => host.verdict.virus !== undefined,
    ),
    {
      name: 'valid_ext_list',
      extensions: ['extlists'],
      positional: [{ name: 'lists', kind: 'strings' }],
      run: (machine, args) =>
        machine.texts(args.texts('lists')).every((list) => machine.host.lists.isKnown(list)),
    },
  ],
};
