/**
 * From a script's text to its tree.
 *
 * Runs in:   anywhere; pure; linear time.
 * Specs:     RFC 5228 §8.2.
 * Limits:    `scriptLimits`.
 * Invariant: any text gives a tree or a `SieveFault`, and nothing else.
 */

import { Buffer } from 'node:buffer';
import { SieveFault } from '../fault.ts';
import { scriptLimits } from '../limits.ts';
import { Lexer, type Token, type TokenKind } from './lexer.ts';
import type { Argument, CommandNode, StringNode, TestNode } from './tree.ts';

export function parseScript(text: string): readonly CommandNode[] {
  if (Buffer.byteLength(text, 'utf8') > scriptLimits.scriptBytesMax) {
    throw new SieveFault(0, `the script is longer than ${scriptLimits.scriptBytesMax} octets`);
  }
  const zero = text.indexOf('\0');
  if (zero >= 0) throw new SieveFault(zero, 'a script holds no NUL');
  return new Parser(text).script();
}

class Parser {
  readonly #lexer: Lexer;
  #token: Token;
  #commands = 0;
  #strings = 0;

  constructor(text: string) {
    // An editor's mark of its encoding is no part of the script.
    this.#lexer = new Lexer(text.startsWith('\ufeff') ? ` ${text.slice(1)}` : text);
    this.#token = this.#lexer.next();
  }

  script(): readonly CommandNode[] {
    const commands = this.#block(0);
    if (this.#token.kind !== 'end') {
      throw new SieveFault(this.#token.at, `${shown(this.#token)} ends a block that none began`);
    }
    return commands;
  }

  #block(depth: number): readonly CommandNode[] {
    if (depth > scriptLimits.nestingMax) this.#tooDeep();
    const commands: CommandNode[] = [];
    while (this.#token.kind === 'identifier') commands.push(this.#command(depth));
    if (this.#token.kind !== 'end' && !this.#isSpecial('}')) {
      throw new SieveFault(this.#token.at, `a command is wanted here, not ${shown(this.#token)}`);
    }
    return commands;
  }

  #command(depth: number): CommandNode {
    if (++this.#commands > scriptLimits.commandsMax) {
      throw new SieveFault(this.#token.at, `more than ${scriptLimits.commandsMax} commands`);
    }
    const head = this.#test(0);
    if (this.#isSpecial(';')) {
      this.#advance();
      return { ...head, block: undefined };
    }
    if (!this.#isSpecial('{')) {
      const wanted = `";" or a block is wanted after ${head.name}`;
      throw new SieveFault(this.#token.at, `${wanted}, not ${shown(this.#token)}`);
    }
    const open = this.#token.at;
    this.#advance();
    const block = this.#block(depth + 1);
    if (!this.#isSpecial('}')) throw new SieveFault(open, 'a block without its end: } is missing');
    this.#advance();
    return { ...head, block };
  }

  /** A name, its arguments, and the tests behind them. */
  #test(depth: number): TestNode {
    if (depth > scriptLimits.nestingMax) this.#tooDeep();
    const { text: name, at } = this.#token;
    this.#advance();
    const args: Argument[] = [];
    for (let next = this.#argument(); next !== undefined; next = this.#argument()) args.push(next);
    if (this.#token.kind === 'identifier') {
      return { name, arguments: args, tests: [this.#test(depth + 1)], isTestList: false, at };
    }
    if (!this.#isSpecial('(')) return { name, arguments: args, tests: [], isTestList: false, at };
    const tests: TestNode[] = [];
    do {
      this.#advance();
      this.#demandKind('identifier', 'a test');
      tests.push(this.#test(depth + 1));
    } while (this.#isSpecial(','));
    this.#expect(')', 'a list of tests');
    return { name, arguments: args, tests, isTestList: true, at };
  }

  #argument(): Argument | undefined {
    const { kind, text, number, at } = this.#token;
    if (kind === 'number') {
      this.#advance();
      return { kind: 'number', value: number, at };
    }
    if (kind === 'tag') {
      this.#advance();
      return { kind: 'tag', name: text, at };
    }
    if (kind === 'string') {
      return { kind: 'strings', strings: [this.#string()], isList: false, at };
    }
    if (!this.#isSpecial('[')) return undefined;
    const strings: StringNode[] = [];
    do {
      this.#advance();
      this.#demandKind('string', 'a string');
      strings.push(this.#string());
    } while (this.#isSpecial(','));
    this.#expect(']', 'a list of strings');
    return { kind: 'strings', strings, isList: true, at };
  }

  #string(): StringNode {
    const { text, at } = this.#token;
    if (++this.#strings > scriptLimits.stringsMax) {
      throw new SieveFault(at, `more than ${scriptLimits.stringsMax} strings`);
    }
    this.#advance();
    return { text, at };
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  #isSpecial(char: string): boolean {
    return this.#token.kind === 'special' && this.#token.text === char;
  }

  #demandKind(kind: TokenKind, what: string): void {
    if (this.#token.kind === kind) return;
    throw new SieveFault(this.#token.at, `${what} is wanted here, not ${shown(this.#token)}`);
  }

  #expect(char: string, of: string): void {
    if (!this.#isSpecial(char)) {
      throw new SieveFault(
        this.#token.at,
        `${of} goes on with "," or ends with "${char}", not ${shown(this.#token)}`,
      );
    }
    this.#advance();
  }

  #tooDeep(): never {
    const { nestingMax } = scriptLimits;
    throw new SieveFault(this.#token.at, `more than ${nestingMax} levels within one another`);
  }
}

function shown({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the script';
  if (kind === 'string') return 'a string';
  if (kind === 'tag') return `":${text}"`;
  return `"${text}"`;
}
