/**
 * Runs compiled scripts against one message.
 *
 * Runs in:   engine threads and jobs; one per run; never waits, and acts on nothing but its own state.
 * Specs:     RFC 5228 §2.10, RFC 5229, RFC 5703 §3 (loops over parts), RFC 6609 (included scripts).
 * Limits:    `runLimits`; a run that meets one fails with a `SieveFault`.
 */

import type { Part } from '../../formats/mime/structure.ts';
import { type Key, type Matching, makeKey } from '../compare/match.ts';
import { PatternFault } from '../compare/regex.ts';
import type { Arguments } from '../compile/arguments.ts';
import type { Include, Instruction, Program } from '../compile/program.ts';
import { isConstant, type Text } from '../compile/text.ts';
import { SieveFault } from '../fault.ts';
import { runLimits } from '../limits.ts';
import { partsBelow, type SieveMessage } from '../message/message.ts';
import type { SieveHost } from './host.ts';
import type { OutcomeDraft } from './outcome.ts';
import { newScope, Variables } from './variables.ts';

/** What an include resolves to; undefined: there is no such script. */
export type ScriptFinder = (include: Include) => Program | undefined;

export interface Script {
  readonly program: Program;
  readonly find: ScriptFinder;
}

/** A loop over the parts below one part. */
interface PartLoop {
  readonly parts: readonly Part[];
  at: number;
}

export class Machine {
  readonly message: SieveMessage;
  readonly host: SieveHost;
  readonly outcome: OutcomeDraft;
  readonly variables = new Variables();
  /** RFC 5232 §2: the internal variable. Undefined: no script has touched it. */
  flags: readonly string[] | undefined;
  /** The script whose command is being run. */
  program: Program;
  readonly #find: ScriptFinder;
  readonly #running: Include[] = [];
  readonly #included = new Set<string>();
  /** Those of the scripts around an included one go on in it. */
  readonly #loops: PartLoop[] = [];
  #isStopped = false;
  #steps = 0;
  #work = 0;
  #includes = 0;

  /** `message` and `outcome` go on from the scripts before. */
  constructor(
    { program, find }: Script,
    message: SieveMessage,
    outcome: OutcomeDraft,
    host: SieveHost,
  ) {
    this.program = program;
    this.message = message;
    this.outcome = outcome;
    this.host = host;
    this.#find = find;
  }

  run(): void {
    this.#runProgram(this.program);
  }

  /** The part that the innermost `foreverypart` is at. */
  get part(): Part | undefined {
    const loop = this.#loops.at(-1);
    return loop?.parts[loop.at];
  }

  text(text: Text): string {
    return isConstant(text) ? text : this.variables.expand(text);
  }

  texts(texts: readonly Text[]): readonly string[] {
    return texts.map((text) => this.text(text));
  }

  optionalText(args: Arguments, name: string): string | undefined {
    const text = args.optionalText(name);
    return text === undefined ? undefined : this.text(text);
  }

  /** Whether a value and a key of the test match. The first match gives the match variables. */
  matches(
    args: Arguments,
    values: readonly string[],
    doesCapture = true,
    keyTexts?: readonly string[],
  ): boolean {
    const matching = args.matching!;
    if (matching.type === 'list') return this.#isListed(args, values);
    const compared = matching.type === 'count' ? [String(values.length)] : values;
    const constant = keyTexts === undefined ? args.keys : undefined;
    const keys =
      constant ??
      (keyTexts ?? this.texts(args.keyTexts)).flatMap((text) => this.#key(text, matching) ?? []);
    const wantsCaptures = doesCapture && this.program.extensions.has('variables');
    for (const value of compared) {
      for (const key of keys) {
        const cost = wantsCaptures ? key.captureCost : key.cost;
        this.charge((value.length + key.text.length) * cost, args.at);
        const match = key.match(value, wantsCaptures);
        if (match === undefined) continue;
        if (match !== true && wantsCaptures) this.variables.captures = match;
        return true;
      }
    }
    return false;
  }

  /** Counts work, in characters looked at. */
  charge(work: number, at: number): void {
    this.#work += work;
    if (this.#work > runLimits.workMax) {
      throw new SieveFault(at, 'the script compares more than one run may');
    }
  }

  /** Undefined: a variable made it a pattern that is none, and nothing matches it. */
  #key(text: string, matching: Matching): Key | undefined {
    try {
      return makeKey(text, matching);
    } catch (error) {
      if (error instanceof PatternFault) return undefined;
      throw error;
    }
  }

  #isListed(args: Arguments, values: readonly string[]): boolean {
    const lists = this.texts(args.keyTexts);
    for (const list of lists) {
      if (!this.host.lists.isKnown(list)) throw new SieveFault(args.at, `no such list: ${list}`);
    }
    return values.some((value) => {
      this.charge(value.length * lists.length, args.at);
      return lists.some((list) => this.host.lists.contains(list, value));
    });
  }

  #runProgram(program: Program): void {
    const { code } = program;
    let flag = false;
    let at = 0;
    while (at < code.length && !this.#isStopped) {
      const instruction = code[at]!;
      if (++this.#steps > runLimits.stepsMax) {
        throw new SieveFault(placeIn(instruction), 'the script takes more steps than one run may');
      }
      at++;
      switch (instruction.op) {
        case 'test':
          flag = instruction.spec.run(this, instruction.args);
          break;
        case 'set':
          flag = instruction.flag;
          break;
        case 'not':
          flag = !flag;
          break;
        case 'jump':
          if (instruction.when === undefined || instruction.when === flag) at = instruction.to;
          break;
        case 'do':
          instruction.spec.run(this, instruction.args);
          break;
        case 'include':
          this.#include(instruction.include, instruction.at);
          break;
        case 'fail':
          throw new SieveFault(instruction.at, instruction.message);
        case 'stop':
          this.#isStopped = true;
          break;
        case 'return':
          return;
        case 'enter-parts':
          this.#enterParts(instruction.at);
          break;
        case 'each-part':
          if (!this.#nextPart()) at = instruction.end;
          break;
        case 'leave':
          this.#loops.length -= instruction.loops;
          at = instruction.to;
          break;
      }
    }
  }

  /** RFC 5703 §3.1: an inner loop goes over the parts below the outer one's. */
  #enterParts(at: number): void {
    const outer = this.part;
    const parts = outer === undefined ? this.message.parts : partsBelow(outer).slice(1);
    this.charge(parts.length, at);
    this.#loops.push({ parts, at: -1 });
  }

  #nextPart(): boolean {
    const loop = this.#loops.at(-1)!;
    if (++loop.at < loop.parts.length) return true;
    this.#loops.pop();
    return false;
  }

  #include(include: Include, at: number): void {
    const key = `${include.location} ${include.name}`;
    if (include.isOnce && this.#included.has(key)) return;
    const program = this.#find(include);
    if (program === undefined) {
      if (include.isOptional) return;
      throw new SieveFault(at, `no script is named ${JSON.stringify(include.name)}`);
    }
    const isRunning = this.#running.some(
      ({ location, name }) => location === include.location && name === include.name,
    );
    if (isRunning) throw new SieveFault(at, `${JSON.stringify(include.name)} includes itself`);
    if (this.#running.length >= runLimits.includeDepthMax) {
      throw new SieveFault(at, `more than ${runLimits.includeDepthMax} scripts within one another`);
    }
    if (++this.#includes > runLimits.includesMax) {
      throw new SieveFault(at, `more than ${runLimits.includesMax} scripts are included`);
    }
    this.#included.add(key);
    this.#running.push(include);
    this.#runIncluded(program, include, at);
    this.#running.pop();
  }

  #runIncluded(program: Program, include: Include, at: number): void {
    const outer = { program: this.program, scope: this.variables.scope, depth: this.#loops.length };
    this.program = program;
    this.variables.scope = newScope();
    try {
      this.#runProgram(program);
    } catch (error) {
      if (!(error instanceof SieveFault)) throw error;
      // Its places are not of this script.
      throw new SieveFault(at, `in ${JSON.stringify(include.name)}: ${error.message}`);
    }
    this.program = outer.program;
    this.variables.scope = outer.scope;
    this.#loops.length = outer.depth;
  }
}

function placeIn(instruction: Instruction): number {
  if ('args' in instruction) return instruction.args.at;
  return 'at' in instruction ? instruction.at : -1;
}
