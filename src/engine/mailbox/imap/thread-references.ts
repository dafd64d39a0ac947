/**
 * THREAD=REFERENCES: the six steps of its algorithm.
 *
 * Runs in:   engine threads; pure; a step at a time.
 * Specs:     RFC 5256 §3 (REFERENCES); numbers in comments are its steps.
 * Limits:    no recursion: a thread may be as deep as it has messages. 40 bytes a message and id while it runs.
 * Invariant: every message is in the answer once; a dummy stands at the top only, with two children or more.
 */

import { noNode, type ThreadForest } from '../../../mail/wire/imap/response-thread.ts';
import { sortSteps } from './sort-steps.ts';
import { compareSent, type ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** Nodes are places of messages; dummies are above. */
export function* threadsByReferences(
  messages: ThreadMessages,
): Generator<void, ThreadForest, void> {
  const links = new Links(messages);
  yield* links.build();
  const forest = new Forest(messages, links);
  yield* forest.plant(links);
  yield* forest.gather();
  return forest;
}

/** (1) Parents of messages and of dummies, which have numbers above those of messages. */
class Links {
  readonly #messages: ThreadMessages;
  readonly #nodeOfId: Int32Array;
  readonly parents: Int32Array;
  readonly #isParent: Uint8Array;
  nodeCount: number;

  constructor(messages: ThreadMessages) {
    const { count, idCount } = messages;
    this.#messages = messages;
    this.#nodeOfId = new Int32Array(idCount).fill(noNode);
    // An id makes one dummy at most.
    this.parents = new Int32Array(count + idCount).fill(noNode);
    this.#isParent = new Uint8Array(count + idCount);
    this.nodeCount = count;
  }

  *build(): Generator<void, void, void> {
    const { parents } = this;
    const { count, ids, references, referencesAt } = this.#messages;
    for (let index = 0; index < count; index++) {
      const id = ids[index]!;
      // Of messages with one id, the first alone has it.
      if (id > 0 && this.#nodeOfId[id] === noNode) this.#nodeOfId[id] = index;
      if (index % stepsMax === 0) yield;
    }
    for (let index = 0; index < count; index++) {
      let before = noNode;
      const end = index + 1 < count ? referencesAt[index + 1]! : references.length;
      for (let at = referencesAt[index]!; at < end; at++) {
        const node = this.#nodeOf(references[at]!);
        // (1.A) What has a parent keeps it.
        if (before !== noNode && parents[node] === noNode) this.#link(before, node);
        before = node;
      }
      // (1.B) The last reference is the parent, whatever a shortened list said before.
      parents[index] = noNode;
      if (before !== noNode) this.#link(before, index);
      if (index % stepsMax === 0) yield;
    }
  }

  #nodeOf(id: number): number {
    const known = this.#nodeOfId[id]!;
    if (known !== noNode) return known;
    const dummy = this.nodeCount++;
    this.#nodeOfId[id] = dummy;
    return dummy;
  }

  /** Not where it would make a loop. */
  #link(parent: number, child: number): void {
    if (parent === child) return;
    const { parents } = this;
    // What never was a parent is above nobody.
    if (this.#isParent[child] === 1) {
      for (let up = parent; up !== noNode; up = parents[up]!) if (up === child) return;
    }
    parents[child] = parent;
    this.#isParent[parent] = 1;
  }
}

/** (2) to (6): what stands at the top, and who is below whom. */
class Forest implements ThreadForest {
  roots: number[] = [];
  readonly below: Int32Array;
  readonly beside: Int32Array;
  readonly dummies: number;
  readonly #messages: ThreadMessages;
  /** A node's last child. */
  readonly #last: Int32Array;
  #nodeCount: number;

  constructor(messages: ThreadMessages, { nodeCount }: Links) {
    // A dummy more for each root at most, and each root has a message of its own.
    const nodesMax = nodeCount + messages.count;
    this.#messages = messages;
    this.#nodeCount = nodeCount;
    this.dummies = messages.count;
    this.below = new Int32Array(nodesMax).fill(noNode);
    this.beside = new Int32Array(nodesMax).fill(noNode);
    this.#last = new Int32Array(nodesMax);
  }

  /** (2), (3): without dummies but those at the top that hold several together. */
  *plant({ parents }: Links): Generator<void, void, void> {
    const { below, beside, roots } = this;
    const anchors = new Int32Array(this.#nodeCount).fill(unknown);
    for (let index = 0; index < this.dummies; index++) {
      const parent = parents[index]!;
      if (parent === noNode) roots.push(index);
      else this.#put(index, this.#anchorOf(parent, parents, anchors));
      if (index % stepsMax === 0) yield;
    }
    for (let dummy = this.dummies; dummy < this.#nodeCount; dummy++) {
      if (dummy % stepsMax === 0) yield;
      const child = below[dummy]!;
      if (child === noNode) continue;
      const isAlone = beside[child] === noNode;
      roots.push(isAlone ? child : dummy);
      if (isAlone) below[dummy] = noNode;
    }
    // (4), and of (6) what no later step changes.
    for (let node = 0; node < this.#nodeCount; node++) {
      if (node % stepsMax === 0) yield;
      if (!this.#isInOrder(node)) yield* this.#sortBelow(node);
    }
    yield* this.#sort(roots);
  }

  /** The message next above, or the topmost dummy where all above are dummies. */
  #anchorOf(start: number, parents: Int32Array, anchors: Int32Array): number {
    if (start < this.dummies) return start;
    const passed: number[] = [];
    let node = start;
    while (node >= this.dummies && anchors[node] === unknown && parents[node] !== noNode) {
      passed.push(node);
      node = parents[node]!;
    }
    const anchor = node >= this.dummies && anchors[node] !== unknown ? anchors[node]! : node;
    for (const one of passed) anchors[one] = anchor;
    return anchor;
  }

  /** (5) Threads of one subject become one. */
  *gather(): Generator<void, void, void> {
    const table = yield* this.#subjectTable();
    const { roots } = this;
    // (5.C) Roots that went below another are gone; a dummy takes the place of the one it was made for.
    const places = new Uint32Array(this.below.length);
    const isGone = new Uint8Array(this.below.length);
    const isGrown = new Uint8Array(this.below.length);
    const grown: number[] = [];
    for (const [place, root] of roots.entries()) places[root] = place;
    yield;
    const { length } = roots;
    for (let step = 0; step < length; step++) {
      if (step % stepsMax === 0) yield;
      const root = roots[step]!;
      const subject = this.#subjectOf(root);
      const known = subject === 0 ? root : table[subject]!;
      if (known === root) continue;
      isGone[root] = 1;
      const target = this.#merge(root, known);
      if (isGrown[target] === 0) grown.push(target);
      isGrown[target] = 1;
      if (target === known) continue;
      roots[places[known]!] = target;
      places[target] = places[known]!;
      table[subject] = target;
    }
    if (grown.length === 0) return;
    this.roots = roots.filter((root) => isGone[root] === 0);
    // (6) Below these and at the top the order may be another now.
    for (const [step, node] of grown.entries()) {
      if (step % stepsMax === 0) yield;
      if (!this.#isInOrder(node)) yield* this.#sortBelow(node);
    }
    yield* this.#sort(this.roots);
  }

  /** (5.B) By subject, the thread that others of it join. */
  *#subjectTable(): Generator<void, Int32Array, void> {
    const { isReply, subjectCount } = this.#messages;
    const table = new Int32Array(subjectCount).fill(noNode);
    for (const [step, root] of this.roots.entries()) {
      if (step % stepsMax === 0) yield;
      const subject = this.#subjectOf(root);
      if (subject === 0) continue;
      const known = table[subject]!;
      const isBetter =
        known === noNode ||
        (!this.#isDummy(known) &&
          (this.#isDummy(root) || (isReply[known] === 1 && isReply[root] === 0)));
      if (isBetter) table[subject] = root;
    }
    return table;
  }

  /** Puts one root below another, or both below a new dummy: the node that has more children now. */
  #merge(root: number, known: number): number {
    const { isReply } = this.#messages;
    if (this.#isDummy(known)) {
      if (this.#isDummy(root)) this.#join(root, known);
      else this.#put(root, known);
      return known;
    }
    if (isReply[root] === 1 && isReply[known] === 0) {
      this.#put(root, known);
      return known;
    }
    const dummy = this.#nodeCount++;
    this.#put(known, dummy);
    this.#put(root, dummy);
    return dummy;
  }

  #subjectOf(root: number): number {
    return this.#messages.subjects[this.#head(root)]!;
  }

  #isDummy(node: number): boolean {
    return node >= this.dummies;
  }

  #put(child: number, parent: number): void {
    if (this.below[parent] === noNode) this.below[parent] = child;
    else this.beside[this.#last[parent]!] = child;
    this.#last[parent] = child;
  }

  /** The children of one dummy become another's. */
  #join(from: number, to: number): void {
    this.beside[this.#last[to]!] = this.below[from]!;
    this.#last[to] = this.#last[from]!;
    this.below[from] = noNode;
  }

  /** A message stands for itself, a dummy for its first child. */
  #head(node: number): number {
    return this.#isDummy(node) ? this.below[node]! : node;
  }

  /** Of the children of a node: of most it has few, and they came in the order they were sent. */
  #isInOrder(node: number): boolean {
    let child = this.below[node]!;
    if (child === noNode) return true;
    for (let next = this.beside[child]!; next !== noNode; next = this.beside[child]!) {
      if (compareSent(this.#messages, child, next) > 0) return false;
      child = next;
    }
    return true;
  }

  /** The children of a node: all are messages. */
  *#sortBelow(node: number): Generator<void, void, void> {
    const { below, beside } = this;
    const children: number[] = [];
    for (let child = below[node]!; child !== noNode; child = beside[child]!) children.push(child);
    yield* this.#sort(children);
    below[node] = children[0]!;
    for (let i = 1; i < children.length; i++) beside[children[i - 1]!] = children[i]!;
    beside[children.at(-1)!] = noNode;
    this.#last[node] = children.at(-1)!;
  }

  #sort(siblings: number[]): Generator<void, void, void> {
    return sortSteps(siblings, (a, b) => compareSent(this.#messages, this.#head(a), this.#head(b)));
  }
}

const unknown = -2;
