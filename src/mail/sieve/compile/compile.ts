/**
 * From a script's tree to its program.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 5228 §3 (control commands), RFC 5463 (ihave), RFC 5703 §3 (foreverypart, break), RFC 6609 §3.2.
 * Invariant: any text gives a program or a `SieveFault`, and nothing else.
 */

import { SieveFault } from '../fault.ts';
import { parseScript } from '../syntax/parse.ts';
import type { CommandNode, TestNode } from '../syntax/tree.ts';
import { capabilities, commandSpecs, testSpecs } from './catalog.ts';
import type { Include, Instruction, Program } from './program.ts';
import { type Enabled, readArguments, stringsOf } from './read-arguments.ts';
import type { CommandSpec, TestSpec } from './spec.ts';

/** `available`: what may be required. @throws SieveFault the first thing that is wrong. */
export function compileScript(source: string, available = capabilities): Program {
  return new Compiler(source, available).program(parseScript(source));
}

/** A script with more faults is told so many. */
const faultsMax = 50;

/** All that is wrong with a script, command by command; nothing: it compiles. */
export function scriptFaults(source: string, available = capabilities): readonly SieveFault[] {
  const faults: SieveFault[] = [];
  try {
    new Compiler(source, available, faults).program(parseScript(source));
  } catch (error) {
    if (!(error instanceof SieveFault)) throw error;
    faults.push(error);
  }
  return faults;
}

interface Loop {
  readonly name: string | undefined;
  /** What jumps behind its end, filled in there. */
  readonly exits: { to: number }[];
}

type ControlCommand = (compiler: Compiler, node: CommandNode) => void;

class Compiler {
  readonly #source: string;
  readonly #available: ReadonlySet<string>;
  readonly #faults: SieveFault[] | undefined;
  readonly #code: Instruction[] = [];
  readonly #extensions = new Set<string>();
  readonly #includes: Include[] = [];
  readonly #loops: Loop[] = [];
  #isBehindRequires = false;

  /** `faults`: where to gather what is wrong; without it the first fault is thrown. */
  constructor(source: string, available: ReadonlySet<string>, faults?: SieveFault[]) {
    this.#source = source;
    this.#available = available;
    this.#faults = faults;
  }

  program(nodes: readonly CommandNode[]): Program {
    this.#block(nodes);
    return {
      code: this.#code,
      source: this.#source,
      includes: this.#includes,
      extensions: this.#extensions,
    };
  }

  get #enabled(): Enabled {
    return { extensions: this.#extensions, isInLoop: this.#loops.length > 0 };
  }

  #block(nodes: readonly CommandNode[]): void {
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      if (node.name !== 'require') this.#isBehindRequires = true;
      if (node.name !== 'if') {
        this.#gather(() => this.#command(node));
        continue;
      }
      const branches = [node];
      while (nodes[i + 1]?.name === 'elsif') branches.push(nodes[++i]!);
      if (nodes[i + 1]?.name === 'else') branches.push(nodes[++i]!);
      this.#gather(() => this.#conditional(branches));
    }
  }

  #gather(compile: () => void): void {
    try {
      compile();
    } catch (error) {
      const canGoOn = this.#faults !== undefined && this.#faults.length < faultsMax - 1;
      if (!(error instanceof SieveFault) || !canGoOn) throw error;
      this.#faults.push(error);
    }
  }

  #command(node: CommandNode): void {
    const control = controls[node.name];
    if (control !== undefined) {
      control(this, node);
      return;
    }
    const spec = this.#declared(commandSpecs, 'command', node);
    if (spec === undefined) return;
    demandNoTests(node);
    demandNoBlock(node);
    this.#orFail(node, () => {
      this.#code.push({ op: 'do', spec, args: readArguments(spec, node, this.#enabled) });
    });
  }

  /** RFC 5463 §4: with `ihave`, what cannot be compiled is an error only where a run reaches it. */
  #orFail(node: TestNode, compile: () => void): void {
    const length = this.#code.length;
    try {
      compile();
    } catch (error) {
      if (!(error instanceof SieveFault) || !this.#extensions.has('ihave')) throw error;
      this.#code.length = length;
      this.#code.push({
        op: 'fail',
        message: error.message,
        at: error.at < 0 ? node.at : error.at,
      });
    }
  }

  #unknown(node: TestNode, message: string): void {
    this.#orFail(node, () => {
      throw new SieveFault(node.at, message);
    });
  }

  /** Undefined: it is not there, and a `fail` stands in its place. */
  #declared<S extends CommandSpec | TestSpec>(
    specs: ReadonlyMap<string, S>,
    what: string,
    node: TestNode,
  ): S | undefined {
    const spec = specs.get(node.name);
    if (spec === undefined) {
      this.#unknown(node, `there is no ${what} ${node.name}`);
      return undefined;
    }
    const { extensions } = spec;
    if (extensions === undefined || extensions.some((name) => this.#extensions.has(name))) {
      return spec;
    }
    const wanted = extensions.map((name) => JSON.stringify(name)).join(' or ');
    this.#unknown(node, `${node.name} is there only after require ${wanted}`);
    return undefined;
  }

  /** RFC 5228 §3.1. */
  #conditional(branches: readonly CommandNode[]): void {
    const toEnd: { to: number }[] = [];
    for (const [i, branch] of branches.entries()) {
      if (branch.block === undefined) {
        throw new SieveFault(branch.at, `${branch.name} has a block in { }`);
      }
      if (branch.name === 'else') {
        demandBare(branch);
        this.#block(branch.block);
        break;
      }
      this.#test(onlyTest(branch));
      const over = this.#jump(false);
      this.#block(branch.block);
      if (i < branches.length - 1) toEnd.push(this.#jump());
      over.to = this.#code.length;
    }
    for (const jump of toEnd) jump.to = this.#code.length;
  }

  #jump(when?: boolean): { to: number } {
    const jump: Instruction & { op: 'jump' } = {
      op: 'jump',
      to: 0,
      ...(when === undefined ? {} : { when }),
    };
    this.#code.push(jump);
    return jump;
  }

  #test(node: TestNode): void {
    if (node.name === 'not') {
      this.#test(onlyTest(node));
      this.#code.push({ op: 'not' });
    } else if (node.name === 'allof' || node.name === 'anyof') this.#several(node);
    else if (node.name === 'true' || node.name === 'false') {
      demandBare(node);
      this.#code.push({ op: 'set', flag: node.name === 'true' });
    } else if (node.name === 'ihave' && this.#extensions.has('ihave')) this.#ihave(node);
    else this.#plainTest(node);
  }

  /** The first test that settles it is the last one that is done. */
  #several(node: TestNode): void {
    if (!node.isTestList) throw new SieveFault(node.at, `${node.name} takes tests in ( )`);
    if (node.arguments.length > 0) {
      throw new SieveFault(node.arguments[0]!.at, `${node.name} takes tests and nothing else`);
    }
    const toEnd: { to: number }[] = [];
    node.tests.forEach((test, i) => {
      this.#test(test);
      if (i < node.tests.length - 1) toEnd.push(this.#jump(node.name === 'anyof'));
    });
    for (const jump of toEnd) jump.to = this.#code.length;
  }

  #plainTest(node: TestNode): void {
    const spec = this.#declared(testSpecs, 'test', node);
    if (spec === undefined) return;
    demandNoTests(node);
    this.#orFail(node, () => {
      this.#code.push({ op: 'test', spec, args: readArguments(spec, node, this.#enabled) });
    });
  }

  /** RFC 5463 §3: settled here, for nothing about it changes while a program lives. */
  #ihave(node: TestNode): void {
    const names = stringsOf(node, 'the names of extensions');
    // RFC 5463 §4: what changes how strings are read cannot come in the midst of a script.
    const known = names.every(({ text }) => this.#available.has(text) && !readsStrings.has(text));
    if (known) for (const { text } of names) this.#extensions.add(text);
    this.#code.push({ op: 'set', flag: known });
  }

  require(node: CommandNode): void {
    if (this.#isBehindRequires) {
      throw new SieveFault(node.at, 'require stands before all other commands');
    }
    for (const { text, at } of stringsOf(node, 'the names of extensions')) {
      if (!this.#available.has(text)) {
        throw new SieveFault(at, `there is no extension ${JSON.stringify(text)} here`);
      }
      this.#extensions.add(text);
    }
  }

  simple(node: CommandNode, op: 'stop' | 'return'): void {
    demandBare(node);
    demandNoBlock(node);
    if (op === 'return') this.#demand('include', node);
    this.#code.push({ op });
  }

  include(node: CommandNode): void {
    this.#demand('include', node);
    demandNoBlock(node);
    const args = readArguments(includeSpec, node, this.#enabled);
    const include: Include = {
      location: args.has(':global') ? 'global' : 'personal',
      name: args.demandConstant('name'),
      isOnce: args.has(':once'),
      isOptional: args.has(':optional'),
    };
    this.#includes.push(include);
    this.#code.push({ op: 'include', include, at: node.at });
  }

  foreveryPart(node: CommandNode): void {
    this.#demand('foreverypart', node);
    if (node.block === undefined) throw new SieveFault(node.at, 'foreverypart has a block in { }');
    const name = readArguments(loopSpec, node, this.#enabled).constant(':name');
    const loop: Loop = { name, exits: [] };
    this.#code.push({ op: 'enter-parts', at: node.at });
    const start = this.#code.length;
    const each: Instruction & { op: 'each-part' } = { op: 'each-part', end: 0, at: node.at };
    this.#code.push(each);
    this.#loops.push(loop);
    this.#block(node.block);
    this.#loops.pop();
    this.#jump().to = start;
    each.end = this.#code.length;
    for (const exit of loop.exits) exit.to = this.#code.length;
  }

  break(node: CommandNode): void {
    this.#demand('foreverypart', node);
    demandNoBlock(node);
    const name = readArguments(loopSpec, node, this.#enabled).constant(':name');
    const found =
      name === undefined
        ? this.#loops.length - 1
        : this.#loops.findLastIndex((loop) => loop.name === name);
    if (found < 0) {
      const which = name === undefined ? '' : ` named ${JSON.stringify(name)}`;
      throw new SieveFault(node.at, `break stands within a foreverypart${which}`);
    }
    const leave: Instruction & { op: 'leave' } = {
      op: 'leave',
      loops: this.#loops.length - found,
      to: 0,
    };
    this.#loops[found]!.exits.push(leave);
    this.#code.push(leave);
  }

  #demand(extension: string, node: CommandNode): void {
    if (this.#extensions.has(extension)) return;
    const wanted = JSON.stringify(extension);
    throw new SieveFault(node.at, `${node.name} is there only after require ${wanted}`);
  }
}

const readsStrings: ReadonlySet<string> = new Set(['variables', 'encoded-character']);

const includeSpec = {
  name: 'include',
  tags: [
    { name: 'personal', group: 'location' },
    { name: 'global', group: 'location' },
    { name: 'once' },
    { name: 'optional' },
  ],
  positional: [{ name: 'name', kind: 'string' }],
} as const;
const loopSpec = {
  name: 'foreverypart',
  tags: [{ name: 'name', value: 'string' }],
} as const;

const misplaced: ControlCommand = (_, node) => {
  throw new SieveFault(node.at, `${node.name} stands behind the block of an if or elsif`);
};

const controls: Readonly<Record<string, ControlCommand>> = {
  require: (compiler, node) => compiler.require(node),
  elsif: misplaced,
  else: misplaced,
  stop: (compiler, node) => compiler.simple(node, 'stop'),
  return: (compiler, node) => compiler.simple(node, 'return'),
  include: (compiler, node) => compiler.include(node),
  foreverypart: (compiler, node) => compiler.foreveryPart(node),
  break: (compiler, node) => compiler.break(node),
};

function demandBare(node: TestNode): void {
  const [first] = [...node.arguments, ...node.tests];
  if (first !== undefined) throw new SieveFault(first.at, `nothing stands behind ${node.name}`);
}

function demandNoTests(node: TestNode): void {
  const [first] = node.tests;
  if (first === undefined) return;
  throw new SieveFault(first.at, `${node.name} has no tests: is ";" missing before ${first.name}?`);
}

function demandNoBlock(node: CommandNode): void {
  if (node.block !== undefined) throw new SieveFault(node.at, `${node.name} has no block`);
}

function onlyTest(node: TestNode): TestNode {
  const [test, ...others] = node.tests;
  if (test === undefined || others.length > 0 || node.isTestList || node.arguments.length > 0) {
    throw new SieveFault(node.at, `${node.name} takes one test`);
  }
  return test;
}
