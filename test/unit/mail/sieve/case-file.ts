/**
 * Reads files of Sieve cases.
 *
 * A file is lines. `message NAME` to `.` gives a message; the one named `default` is used where a case names none.
 * `require a, b` counts for all cases behind it. `== TITLE` begins a case: `@key value` lines set its world, then
 * comes the script, then what is expected: `-> ACTION` for each action in order, `!> LINE:COLUMN WORDS` for a fault of
 * the compiler, `?> WORDS` for one of the run. `yes TEST` and `no TEST`, alone on a line outside a case, are cases too.
 */

import { readFileSync } from 'node:fs';

export interface SieveCase {
  readonly title: string;
  readonly line: number;
  readonly script: string;
  readonly message: string;
  readonly world: ReadonlyMap<string, string>;
  /** Undefined: `fault` is expected, and nothing else. */
  readonly actions: readonly string[];
  readonly fault?: { readonly kind: 'compile' | 'run'; readonly words: string };
}

interface Draft {
  title: string;
  line: number;
  script: string[];
  world: Map<string, string>;
  actions: string[];
  fault?: { kind: 'compile' | 'run'; words: string };
}

export function readCases(file: string): readonly SieveCase[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const messages = new Map<string, string>();
  const cases: SieveCase[] = [];
  let required: string[] = [];
  const world = new Map<string, string>();
  let draft: Draft | undefined;
  const finish = () => {
    if (draft === undefined) return;
    const { script, world: own, ...rest } = draft;
    const merged = new Map([...world, ...own]);
    const message = messages.get(merged.get('message') ?? 'default');
    if (message === undefined) throw new Error(`${file}:${draft.line}: no such message`);
    cases.push({ ...rest, script: script.join('\r\n'), message, world: merged });
    draft = undefined;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const [word = '', ...others] = line.split(' ');
    const rest = others.join(' ');
    if (word === '==') {
      finish();
      draft = { title: rest, line: i + 1, script: [], world: new Map(), actions: [] };
    } else if (draft !== undefined && line !== '---') {
      readCaseLine(draft, line, word, rest);
    } else if (line === '---') finish();
    else if (word === 'yes' || word === 'no') {
      draft = testCase(word, rest, required, i + 1);
      finish();
    } else if (word === 'require') required = rest.split(',').map((name) => name.trim());
    else if (word === 'message') {
      const end = lines.indexOf('.', i);
      messages.set(
        rest,
        lines
          .slice(i + 1, end)
          .join('\r\n')
          .concat('\r\n'),
      );
      i = end;
    } else if (word.startsWith('@')) world.set(word.slice(1), rest);
    else if (line !== '' && !line.startsWith('#')) throw new Error(`${file}:${i + 1}: ${line}`);
  }
  finish();
  return cases;
}

function readCaseLine(draft: Draft, line: string, word: string, rest: string): void {
  if (word === '->') draft.actions.push(rest);
  else if (word === '!>') draft.fault = { kind: 'compile', words: rest };
  else if (word === '?>') draft.fault = { kind: 'run', words: rest };
  else if (word.startsWith('@') && draft.script.length === 0) draft.world.set(word.slice(1), rest);
  else draft.script.push(line);
}

/** A script that keeps where the test is so, and discards where it is not. */
function testCase(word: string, test: string, required: readonly string[], line: number): Draft {
  const names = required.map((name) => JSON.stringify(name)).join(', ');
  const script = [
    ...(required.length === 0 ? [] : [`require [${names}];`]),
    `if ${test} { keep; } else { discard; }`,
  ];
  const actions = [word === 'yes' ? 'keep' : 'discard'];
  return { title: `${word} ${test}`, line, script, world: new Map(), actions };
}
