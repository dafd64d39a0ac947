/**
 * Aim: THREAD answers as RFC 5256 §3 says, step by step.
 * Method: chosen mailboxes; then random ones against the algorithm written out a second time, as the RFC words it, with
 *      nodes that know their parent and children.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ThreadColumns } from '../../../../../src/engine/mailbox/imap/thread-columns.ts';
import { threadsByReferences } from '../../../../../src/engine/mailbox/imap/thread-references.ts';
import { threadsBySubject } from '../../../../../src/engine/mailbox/imap/thread-subjects.ts';
import { textHash } from '../../../../../src/mail/formats/headers/thread-ids.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import {
  type ThreadForest,
  threadSteps,
} from '../../../../../src/mail/wire/imap/response-thread.ts';

interface Message {
  readonly id: string;
  readonly references: readonly string[];
  readonly subject: string;
  readonly isReply: boolean;
  readonly sentMs: number;
}

const hashOf = (text: string) => (text === '' ? 0 : textHash(text));

function columnsOf(messages: readonly Message[]) {
  const columns = new ThreadColumns();
  messages.forEach(({ id, references, subject, isReply, sentMs }, i) => {
    const ids = [hashOf(id), ...references.map(textHash)];
    columns.add({ uid: i + 1, sentMs, subject: hashOf(subject), isReplyOrForward: isReply, ids });
  });
  return drained(columns.select(() => true)).messages;
}

function drained<Result>(work: Generator<void, Result, void>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

function textOf(threads: ThreadForest): string {
  const writer = new ResponseWriter();
  const numbers = Array.from({ length: threads.dummies }, (_, node) => node + 1);
  drained(threadSteps(writer, threads, numbers));
  return Buffer.concat(writer.take()).toString('latin1').trimEnd().replace('* THREAD', '').trim();
}

const references = (messages: readonly Message[]) =>
  textOf(drained(threadsByReferences(columnsOf(messages))));
const subjects = (messages: readonly Message[]) =>
  textOf(drained(threadsBySubject(columnsOf(messages))));

function message(id: string, more: Partial<Message> = {}): Message {
  return { id, references: [], subject: id, isReply: false, sentMs: 0, ...more };
}

describe('THREAD=ORDEREDSUBJECT', () => {
  it('puts all behind the first of a subject, threads by the date of their first', () => {
    const messages = [
      message('1', { subject: 'b', sentMs: 5 }),
      message('2', { subject: 'a', sentMs: 4 }),
      message('3', { subject: 'b', sentMs: 3 }),
      message('4', { subject: 'b', sentMs: 9 }),
      message('5', { subject: '', sentMs: 1 }),
    ];
    assert.equal(subjects(messages), '(5)(3 (1)(4))(2)');
    assert.equal(subjects([]), '');
  });
});

describe('THREAD=REFERENCES', () => {
  it('links replies, over messages that are missing too', () => {
    assert.equal(
      references([
        message('a'),
        message('b', { references: ['a'] }),
        message('d', { references: ['a', 'b', 'c'] }),
        message('e', { references: ['x', 'y'] }),
        message('f', { references: ['x', 'z'] }),
        message('g', { references: ['gone'] }),
      ]),
      '(1 2 3)((4)(5))(6)',
    );
  });

  it('gives an id to its first message alone, and makes no loops', () => {
    assert.equal(references([message('a'), message('a', { references: ['a'] })]), '(1 2)');
    assert.equal(references([message('a', { references: ['a'] })]), '(1)');
    assert.equal(
      references([
        message('a', { references: ['b'] }),
        message('b', { references: ['a'] }),
        message('', { references: ['b'] }),
      ]),
      '(2 (1)(3))',
    );
  });

  it('takes the last reference for the parent, whatever an earlier list said', () => {
    assert.equal(
      references([
        message('c', { references: ['a', 'b'] }),
        message('a'),
        message('b', { references: ['x'] }),
      ]),
      '(2)(3 1)',
    );
  });

  it('gathers threads of one subject', () => {
    const pear = (id: string, more: Partial<Message> = {}) =>
      message(id, { subject: 'p', ...more });
    const reply = { isReply: true };
    assert.equal(references([pear('a'), pear('b', reply)]), '(1 2)');
    assert.equal(references([pear('a', reply), pear('b')]), '(2 1)');
    assert.equal(references([pear('a'), pear('b'), pear('c')]), '((1)(2)(3))');
    const twins = [pear('b', { references: ['x', 'y'] }), pear('c', { references: ['x', 'z'] })];
    assert.equal(references([pear('a'), ...twins]), '((1)(2)(3))');
    assert.equal(
      references([message('a', { subject: '' }), message('b', { subject: '' })]),
      '(1)(2)',
    );
  });

  it('follows a thread as deep as the mailbox', () => {
    const count = 20_000;
    const chain = Array.from({ length: count }, (_, i) =>
      message(String(i), { references: i === 0 ? [] : [String(i - 1)] }),
    );
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    assert.equal(references(chain), `(${numbers.join(' ')})`);
  });

  it('agrees with the words of the RFC', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '');
    const anyMessage = fc.record({
      id,
      references: fc.array(
        id.filter((one) => one !== ''),
        { maxLength: 4 },
      ),
      subject: fc.constantFrom('', 'p', 'q'),
      isReply: fc.boolean(),
      sentMs: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 9 }), (messages) => {
        assert.equal(references(messages), byTheBook(messages));
      }),
      { numRuns: 3_000 },
    );
  });
});

/** A message or a dummy of the second writing. */
class Node {
  readonly number: number;
  readonly message: Message | undefined;
  parent: Node | undefined;
  children: Node[] = [];

  constructor(number: number, message?: Message) {
    this.number = number;
    this.message = message;
  }

  adopt(child: Node): void {
    child.leave();
    child.parent = this;
    this.children.push(child);
  }

  leave(): void {
    if (this.parent !== undefined) {
      this.parent.children = this.parent.children.filter((one) => one !== this);
    }
    this.parent = undefined;
  }

  isBelow(other: Node): boolean {
    return this === other || (this.parent?.isBelow(other) ?? false);
  }

  get isDummy(): boolean {
    return this.message === undefined;
  }

  get head(): Node {
    return this.isDummy ? this.children[0]! : this;
  }
}

function compare(a: Node, b: Node): number {
  return a.head.message!.sentMs - b.head.message!.sentMs || a.head.number - b.head.number;
}

function byTheBook(messages: readonly Message[]): string {
  const nodes = messages.map((one, i) => new Node(i + 1, one));
  const byId = new Map<string, Node>();
  for (const node of nodes) {
    const { id } = node.message!;
    if (id !== '' && !byId.has(id)) byId.set(id, node);
  }
  // (1)
  for (const node of nodes) {
    let before: Node | undefined;
    for (const reference of node.message!.references) {
      const named = byId.get(reference) ?? new Node(0);
      byId.set(reference, named);
      if (before !== undefined && named.parent === undefined && !before.isBelow(named)) {
        before.adopt(named);
      }
      before = named;
    }
    node.leave();
    if (before !== undefined && !before.isBelow(node)) before.adopt(node);
  }
  // (2), (3)
  const root = new Node(0);
  for (const node of [...nodes, ...byId.values()]) {
    if (node.parent === undefined && !root.children.includes(node)) root.children.push(node);
  }
  prune(root, true);
  const sortHead = (node: Node) => node.isDummy && node.children.sort(compare);
  // (4)
  for (const node of root.children) sortHead(node);
  root.children.sort(compare);
  gatherSubjects(root);
  // (6)
  sortAll(root);
  return root.children.map(write).join('');
}

function prune(node: Node, isRoot: boolean): void {
  for (const child of [...node.children]) {
    prune(child, false);
    if (!child.isDummy) continue;
    const { children } = child;
    if (isRoot && children.length > 1) continue;
    const at = node.children.indexOf(child);
    node.children.splice(at, 1, ...children);
    for (const one of children) one.parent = isRoot ? undefined : node;
  }
}

function gatherSubjects(root: Node): void {
  const table = new Map<string, Node>();
  const subjectOf = (node: Node) => node.head.message!.subject;
  for (const node of root.children) {
    const subject = subjectOf(node);
    if (subject === '') continue;
    const known = table.get(subject);
    const isBetter =
      known === undefined ||
      (!known.isDummy && (node.isDummy || (known.message!.isReply && !node.message!.isReply)));
    if (isBetter) table.set(subject, node);
  }
  const drop = (node: Node) => {
    root.children = root.children.filter((one) => one !== node);
  };
  for (const node of [...root.children]) {
    const subject = subjectOf(node);
    const known = subject === '' ? node : table.get(subject)!;
    if (known === node) continue;
    drop(node);
    if (known.isDummy && node.isDummy) for (const child of [...node.children]) known.adopt(child);
    else if (known.isDummy) known.adopt(node);
    else if (node.message!.isReply && !known.message!.isReply) known.adopt(node);
    else {
      const dummy = new Node(0);
      drop(known);
      dummy.adopt(known);
      dummy.adopt(node);
      root.children.push(dummy);
      table.set(subject, dummy);
    }
  }
}

function sortAll(node: Node): void {
  for (const child of node.children) sortAll(child);
  node.children.sort(compare);
}

function write(node: Node): string {
  return `(${writeChain(node)})`;
}

function writeChain({ number, children }: Node): string {
  const own = number === 0 ? '' : String(number);
  if (children.length === 0) return own;
  const below = children.length === 1 ? writeChain(children[0]!) : children.map(write).join('');
  return own === '' ? below : `${own} ${below}`;
}

describe('the columns threads are made of', () => {
  it('know an id again after what helped to find it was let go', () => {
    const columns = new ThreadColumns();
    const add = (uid: number, id: string, references: readonly string[]) => {
      const ids = [hashOf(id), ...references.map(textHash)];
      columns.add({ uid, sentMs: 0, subject: hashOf(id), isReplyOrForward: false, ids });
    };
    const count = 20_000;
    for (let uid = 1; uid <= count; uid++) add(uid, `<${uid}@x>`, []);
    const held = columns.bytes;
    columns.trim();
    assert.ok(columns.bytes < held);
    drained(columns.ready());
    for (let uid = 1; uid <= count; uid++) add(count + uid, '', [`<${uid}@x>`]);
    const { messages } = drained(columns.select(() => true));
    for (let i = 0; i < count; i++) {
      assert.equal(messages.references[messages.referencesAt[count + i]!], messages.ids[i]);
    }
    assert.equal(messages.idCount, count + 1);
  });
});
