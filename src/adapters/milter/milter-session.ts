/**
 * One connection to a milter: what is agreed on first, then messages, one after the other.
 *
 * Runs in:   engine threads.
 * Specs:     the milter protocol, version 6 (libmilter's mfdef.h).
 * Limits:    those of `ScanLine`: progress that a milter tells of buys it no time.
 * Invariant: questions and answers go in turn, so whatever comes while no question is open ends the connection. A
 *            milter that refuses one recipient refuses the message where it is asked behind DATA, when all were taken.
 */

import { Buffer } from 'node:buffer';
import type { CarriedKnown } from '../../ports/carried-scans.ts';
import type { ScanAction, ScanFinding, ScanSubject } from '../../ports/content-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { oneLine } from '../scanning/words.ts';
import { type Decision, MilterChanges, type Said, saidBy } from './milter-answers.ts';
import { envelopeQuestions, type Question, step } from './milter-questions.ts';
import {
  bodyChunkBytes,
  changesOffered,
  number32,
  packet,
  packetBytesMax,
  splitMessage,
  steps,
  stepsOffered,
  texts,
  versionMax,
  versionMin,
} from './milter-words.ts';

export type MilterFound = Exclude<ScanFinding, { kind: 'failed' }>;

/** `ScanLine`, or one that another thread has. @throws ScanError */
export interface MilterLine {
  send(parts: readonly Uint8Array[]): Promise<unknown>;
  readExactly(length: number): Promise<Buffer>;
}

interface Packet {
  readonly command: string;
  readonly data: Buffer;
}

export class MilterSession {
  readonly #line: MilterLine;
  readonly #changes: number;
  readonly #steps: number;
  readonly #version: number;

  private constructor(line: MilterLine, version: number, agreed: number, left: number) {
    this.#line = line;
    this.#version = version;
    this.#changes = agreed;
    this.#steps = left;
  }

  /** @throws ScanError */
  static async begin(line: MilterLine): Promise<MilterSession> {
    const offer = [number32(versionMax), number32(changesOffered), number32(stepsOffered)];
    await line.send([packet('O', ...offer)]);
    const { command, data } = await readPacket(line);
    if (command !== 'O' || data.length < 12) throw new ScanError('broken', 'no milter');
    const [version, agreed, left] = [0, 4, 8].map((at) => data.readUInt32BE(at)) as [
      number,
      number,
      number,
    ];
    const isKnown = (agreed & ~changesOffered) === 0 && (left & ~stepsOffered) === 0;
    if (version < versionMin || version > versionMax || !isKnown)
      throw new ScanError('broken', `it wants what was not offered: version ${version}`);
    return new MilterSession(line, version, agreed, left);
  }

  /** By what was agreed on when the line was opened. */
  static resume(line: MilterLine, [version = 0, changes = 0, left = 0]: readonly number[]) {
    return new MilterSession(line, version, changes, left);
  }

  /** For `resume`. */
  get agreed(): readonly number[] {
    return [this.#version, this.#changes, this.#steps];
  }

  get version(): number {
    return this.#version;
  }

  /** `known`: what it was told of before. @throws ScanError; then nothing more can be asked by it. */
  async judge(subject: ScanSubject, known?: CarriedKnown): Promise<MilterFound> {
    const { message } = subject;
    const asked = new MilterChanges(this.#changes, 2 * message.length + packetBytesMax);
    const decision = await this.#decide(subject, asked, known);
    const edits = asked.all();
    const isQuarantine = asked.quarantine !== undefined && decision.action === 'accept';
    const { action, text } = isQuarantine
      ? { action: 'quarantine' as ScanAction, text: asked.quarantine! }
      : decision;
    // Changes are of a message that is taken.
    const isTaken = action === 'accept' || action === 'quarantine';
    if (action === 'accept' && edits.length === 0) return { kind: 'clean' };
    return { kind: 'decided', action, text, edits: isTaken ? edits : [] };
  }

  async quit(): Promise<void> {
    await this.#line.send([packet('Q')]);
  }

  async #decide(
    subject: ScanSubject,
    asked: MilterChanges,
    known?: CarriedKnown,
  ): Promise<Decision> {
    const hasLeadingBlanks = (this.#steps & steps.leadingBlanks) !== 0;
    const { fields, body } = splitMessage(subject.message, hasLeadingBlanks);
    const early = await this.#askEnvelope(subject, known);
    if (early !== undefined) return await this.#abort(early);
    for (const { name, value } of fields) {
      const data = Buffer.from(texts(name, value), 'latin1');
      const said = await this.ask(step('L', data, steps.noFields, steps.noReplyField));
      if (said !== undefined) return await this.#abort(said);
    }
    const ended = await this.ask(step('N', '', steps.noEndOfHeader, steps.noReplyEndOfHeader));
    if (ended !== undefined) return await this.#abort(ended);
    const shown = await this.#showBody(body);
    if (shown !== undefined) return await this.#abort(shown);
    return await this.#end(subject, asked);
  }

  async #askEnvelope(subject: ScanSubject, known?: CarriedKnown): Promise<Decision | undefined> {
    for (const question of envelopeQuestions(subject, known)) {
      const said = await this.ask(question);
      if (said !== undefined) return said;
    }
    return undefined;
  }

  async #showBody(body: Uint8Array): Promise<Decision | undefined> {
    if ((this.#steps & steps.noBody) !== 0) return undefined;
    for (let at = 0; at < body.length; at += bodyChunkBytes) {
      const chunk = body.subarray(at, at + bodyChunkBytes);
      await this.#line.send([packet('B', chunk)]);
      if ((this.#steps & steps.noReplyBody) !== 0) continue;
      const said = await this.#answer();
      if (said === 'skip' && (this.#steps & steps.skip) !== 0) return undefined;
      if (typeof said !== 'string') return said;
      if (said !== 'go-on') throw new ScanError('broken', 'an answer out of place');
    }
    return undefined;
  }

  /** Here alone a milter may ask for changes. */
  async #end({ queueId }: ScanSubject, asked: MilterChanges): Promise<Decision> {
    await this.#line.send([macrosFor('E', { i: queueId }), packet('E')]);
    for (;;) {
      const said = await this.#answer(asked);
      if (said === 'go-on') return { action: 'accept', text: '' };
      if (typeof said !== 'string') return said;
      if (said === 'skip') throw new ScanError('broken', 'an answer out of place');
    }
  }

  /** Undefined: the next question. @throws ScanError; then nothing more can be asked. */
  async ask(question: Question): Promise<Decision | undefined> {
    const { command, data, macros, noStep, noReply } = question;
    if ((this.#steps & noStep) !== 0) return undefined;
    const isTold = Object.keys(macros).length > 0;
    const told = isTold ? [macrosFor(command, macros)] : [];
    await this.#line.send([...told, packet(command, data)]);
    if ((this.#steps & noReply) !== 0) return undefined;
    const said = await this.#answer();
    if (said === 'go-on') return undefined;
    if (typeof said === 'string') throw new ScanError('broken', 'an answer out of place');
    return said;
  }

  /** The next answer that is more than a sign of life; `change` where it went to `asked`. */
  async #answer(asked?: MilterChanges): Promise<Exclude<Said, 'progress'>> {
    for (;;) {
      const { command, data } = await readPacket(this.#line);
      if (asked?.take(command, data) === true) return 'change';
      const said = saidBy(command, data);
      if (said !== 'progress') return said;
    }
  }

  /** The transaction is over. */
  async abort(): Promise<void> {
    await this.#line.send([packet('A')]);
  }

  async #abort(decision: Decision): Promise<Decision> {
    await this.abort();
    return decision;
  }
}

function macrosFor(command: string, macros: Readonly<Record<string, string>>): Buffer {
  return packet('D', command, texts(...Object.entries(macros).flat().map(oneLine)));
}

async function readPacket(line: MilterLine): Promise<Packet> {
  const length = (await line.readExactly(4)).readUInt32BE(0);
  if (length < 1 || length > packetBytesMax)
    throw new ScanError('broken', `a packet of ${length} bytes`);
  const bytes = await line.readExactly(length);
  return { command: bytes.toString('latin1', 0, 1), data: bytes.subarray(1) };
}
