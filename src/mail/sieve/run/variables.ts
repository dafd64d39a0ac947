/**
 * The variables of a run.
 *
 * Runs in:   engine threads and jobs; one per run.
 * Specs:     RFC 5229 §3 (names in any case; unknown ones are empty), §3.2 (match variables), RFC 6609 §3.3 and §3.4
 *            (each script has its own; `global` ones are shared).
 * Limits:    `variablesMax` names, `variableLengthMax` characters each: longer values are cut.
 */

import type { Captures } from '../compare/glob.ts';
import type { TextPart } from '../compile/text.ts';
import { runLimits } from '../limits.ts';

/** What one script has of its own. */
export interface Scope {
  readonly values: Map<string, string>;
  readonly globals: Set<string>;
}

export function newScope(): Scope {
  return { values: new Map(), globals: new Set() };
}

export class Variables {
  readonly #globals = new Map<string, string>();
  #count = 0;
  scope: Scope = newScope();
  captures: Captures = [];

  get(name: string, isGlobal: boolean): string {
    const isShared = isGlobal || this.scope.globals.has(name);
    return (isShared ? this.#globals : this.scope.values).get(name) ?? '';
  }

  /** False: there are too many. `name` in lower case. */
  set(name: string, isGlobal: boolean, value: string): boolean {
    const isShared = isGlobal || this.scope.globals.has(name);
    const values = isShared ? this.#globals : this.scope.values;
    if (!values.has(name) && ++this.#count > runLimits.variablesMax) return false;
    values.set(name, cut(value));
    return true;
  }

  expand(parts: readonly TextPart[]): string {
    let text = '';
    for (const part of parts) {
      if (part.kind === 'literal') text += part.text;
      else if (part.kind === 'match') text += this.captures[part.index] ?? '';
      else text += this.get(part.name, part.isGlobal);
    }
    return text;
  }
}

/** Not between the halves of a character. */
function cut(value: string): string {
  const { variableLengthMax } = runLimits;
  if (value.length <= variableLengthMax) return value;
  return value.slice(0, variableLengthMax).replace(/[\ud800-\udbff]$/, '');
}
