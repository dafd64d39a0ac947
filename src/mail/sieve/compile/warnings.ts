/**
 * What a script that compiles may not have been meant to say.
 *
 * Runs in:   engine threads and jobs; pure; linear time.
 * Specs:     RFC 5804 §1.3 (WARNINGS), §2.6.
 * Limits:    `scriptLimits.warningsMax`.
 * Invariant: a warning is about all runs of a script: none is told where it may be as its writer wants.
 */

import { SieveFault } from '../fault.ts';
import { runLimits, scriptLimits } from '../limits.ts';
import { oneAddress } from '../message/address-parts.ts';
import { parseScript } from '../syntax/parse.ts';
import type { Argument, CommandNode, StringNode, TestNode } from '../syntax/tree.ts';
import { commandSpecs, testSpecs } from './catalog.ts';
import { matchTags } from './read-arguments.ts';
import type { CommandSpec, TestSpec } from './spec.ts';

export interface SieveWarning {
  /** Offset in the script, in UTF-16 units. */
  readonly at: number;
  readonly message: string;
}

/** `address`: whose script it is; "" is not known. In order; none of what cannot be parsed. */
export function scriptWarnings(source: string, address: string): readonly SieveWarning[] {
  let nodes: readonly CommandNode[];
  try {
    nodes = parseScript(source);
  } catch (error) {
    if (error instanceof SieveFault) return [];
    throw error;
  }
  const walk = new Walk(address.toLowerCase());
  walk.block(nodes, 0);
  const all = [...walk.warnings, ...walk.unused()].sort((a, b) => a.at - b.at);
  return all.slice(0, scriptLimits.warningsMax);
}

/** What a block leaves to what stands behind it. */
interface End {
  /** Undefined: what stands behind the block is reached. */
  readonly endedBy: string | undefined;
  /** The most that were sent on by a run that comes out of it. */
  readonly redirects: number;
}

/** By nothing behind them is anything done: the script's end, and the loop's. */
const endings: ReadonlySet<string> = new Set(['stop', 'return', 'error', 'break']);

/** To require them says something by itself: that faults may wait for a run, and that IMAP may run the script. */
const neverUnused: ReadonlySet<string> = new Set(['ihave', 'imapsieve']);

class Walk {
  readonly warnings: SieveWarning[] = [];
  readonly #address: string;
  readonly #required: StringNode[] = [];
  readonly #used = new Set<string>();

  constructor(address: string) {
    this.#address = address;
  }

  unused(): readonly SieveWarning[] {
    return this.#required
      .filter(({ text }) => !this.#used.has(text) && !neverUnused.has(text))
      .map(({ text, at }) => ({
        at,
        message: `${JSON.stringify(text)} is required, and not used`,
      }));
  }

  block(nodes: readonly CommandNode[], before: number): End {
    let redirects = before;
    let endedBy: string | undefined;
    let isTold = false;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      if (endedBy !== undefined && !isTold) {
        isTold = true;
        this.#warn(node.at, `this is never reached: ${endedBy} stands before it`);
      }
      const branches = [node];
      while (node.name === 'if' && /^els(?:e|if)$/.test(nodes[i + 1]?.name ?? '')) {
        branches.push(nodes[++i]!);
      }
      const end =
        node.name === 'if' ? this.#branches(branches, redirects) : this.#one(node, redirects);
      redirects = end.redirects;
      endedBy ??= end.endedBy;
    }
    return { endedBy, redirects };
  }

  #branches(branches: readonly CommandNode[], before: number): End {
    const ends = branches.map((branch) => {
      for (const test of branch.tests) this.#uses(test);
      return this.block(branch.block ?? [], before);
    });
    const isWhole = branches.at(-1)!.name === 'else';
    const through = ends.filter(({ endedBy }) => endedBy === undefined);
    const redirects = Math.max(...through.map((end) => end.redirects), isWhole ? 0 : before);
    const isEnded = isWhole && through.length === 0;
    return { endedBy: isEnded ? 'the end of each branch' : undefined, redirects };
  }

  #one(node: CommandNode, before: number): End {
    if (node.name === 'require') {
      for (const argument of node.arguments) this.#required.push(...stringsIn(argument));
      return { endedBy: undefined, redirects: before };
    }
    this.#uses(node);
    if (endings.has(node.name)) return { endedBy: node.name, redirects: before };
    // A message may have no parts.
    if (node.block !== undefined) {
      const { redirects } = this.block(node.block, before);
      return { endedBy: undefined, redirects: Math.max(before, redirects) };
    }
    if (node.name !== 'redirect') return { endedBy: undefined, redirects: before };
    this.#redirect(node, before + 1);
    return { endedBy: undefined, redirects: before + 1 };
  }

  #redirect(node: CommandNode, redirects: number): void {
    if (redirects === runLimits.redirectsMax + 1) {
      const most = `a run sends on ${runLimits.redirectsMax} times at the most`;
      this.#warn(
        node.at,
        `${most}: where this one is reached behind them, the message is kept instead`,
      );
    }
    if (this.#address === '' || hasTag(node, 'list')) return;
    for (const { text, at } of node.arguments.flatMap(stringsIn)) {
      const { localPart, domain } = oneAddress(text) ?? { localPart: '', domain: '' };
      if (`${localPart}@${domain}`.toLowerCase() !== this.#address) continue;
      this.#warn(
        at,
        `${this.#address} is this account: what is sent on to it comes back, and is kept`,
      );
    }
  }

  /** Notes the extensions that a command or test and what stands in it are of. */
  #uses(node: TestNode): void {
    const spec: CommandSpec | TestSpec | undefined =
      commandSpecs.get(node.name) ?? testSpecs.get(node.name);
    const own = [...(spec?.extensions ?? []), ...(otherExtensions[node.name] ?? [])];
    for (const name of own) this.#used.add(name);
    for (const { extension } of spec?.positional ?? []) {
      if (extension !== undefined) this.#used.add(extension);
    }
    const tags = [...(spec?.keys === undefined ? [] : matchTags), ...(spec?.tags ?? [])];
    node.arguments.forEach((argument, i) => {
      if (argument.kind === 'tag') {
        const tag = tags.find(({ name }) => name === argument.name);
        if (tag?.extension !== undefined) this.#used.add(tag.extension);
        if (argument.name !== 'comparator') return;
        for (const { text } of stringsIn(node.arguments[i + 1])) {
          this.#used.add(`comparator-${text}`);
        }
      } else for (const { text } of stringsIn(argument)) this.#usesOfText(text);
    });
    for (const test of node.tests) this.#uses(test);
  }

  /** What is decoded may be a variable's name in turn. */
  #usesOfText(text: string): void {
    if (/^global\./i.test(text)) this.#used.add('include');
    if (!text.includes('${')) return;
    this.#used.add('variables');
    if (/\$\{(?:hex|unicode):/i.test(text)) this.#used.add('encoded-character');
  }

  #warn(at: number, message: string): void {
    this.warnings.push({ at, message });
  }
}

/** Of what the compiler itself knows, and what is wanted beside the extension of a command. */
const otherExtensions: Readonly<Record<string, readonly string[]>> = {
  include: ['include'],
  return: ['include'],
  foreverypart: ['foreverypart'],
  break: ['foreverypart'],
  extracttext: ['variables'],
  global: ['variables'],
};

function stringsIn(argument: Argument | undefined): readonly StringNode[] {
  return argument?.kind === 'strings' ? argument.strings : [];
}

function hasTag(node: TestNode, name: string): boolean {
  return node.arguments.some((argument) => argument.kind === 'tag' && argument.name === name);
}
