/**
 * THREAD=REFERENCES: the six steps of its algorithm.
 *
 * Runs in:   engine threads; pure; a step at a time.
 * Specs:     RFC 5256 §3 (REFERENCES); numbers in comments are its steps.
 * Limits:    no recursion: a thread may be as deep as it has messages.
 * Invariant: every message is in the answer once; a dummy stands at the top only, with two children or more.
 */

import type { ThreadNode } from '../../../mail/wire/imap/response-thread.ts';
import { sortSteps } from './sort-steps.ts';
import { compareSent, type ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;
const none = -1;
const noNodes: readonly ThreadNode[] = [];

/** Nodes by place of the message, from 1 on; dummies are 0. */
export function* threadsByReferences(
  messages: ThreadMessages,
): Generator<void, readonly ThreadNode[], void> {
  const links = new Links(messages);
  yield* links.build();
  const forest = new Forest(messages);
  yield* forest.plant(links);
  yield* forest.gather();
  return yield* forest.nodes();
}

/** (1) Parents of messages and of dummies, which have numbers above those of messages. */
class Links {
  readonly #messages: ThreadMessages;
  readonly #nodeOfId: Int32Array;
  readonly parents: number[] = [];
  readonly #isParent: boolean[] = [];

  constructor(messages: ThreadMessages) {
    this.#messages = messages;
    this.#nodeOfId = new Int32Array(messages.idCount).fill(none);
  }

  *build(): Generator<void, void, void> {
    const { count, ids, references, referencesAt } = this.#messages;
    for (let index = 0; index < count; index++) {
      this.#add();
      const id = ids[index]!;
      // Of messages with one id, the first alone has it.
      if (id > 0 && this.#nodeOfId[id] === none) this.#nodeOfId[id] = index;
      if (index % stepsMax === 0) yield;
    }
    for (let index = 0; index < count; index++) {
      let before = none;
      const end = index + 1 < count ? referencesAt[index + 1]! : references.length;
      for (let at = referencesAt[index]!; at < end; at++) {
        const node = this.#nodeOf(references[at]!);
        // (1.A) What has a parent keeps it.
        if (before !== none && this.parents[node] === none) this.#link(before, node);
        before = node;
      }
      // (1.B) The last reference is the parent, whatever a shortened list said before.
      this.parents[index] = none;
      if (before !== none) this.#link(before, index);
      if (index % stepsMax === 0) yield;
    }
  }

  #nodeOf(id: number): number {
    const known = this.#nodeOfId[id]!;
    if (known !== none) return known;
    const dummy = this.#add();
    this.#nodeOfId[id] = dummy;
    return dummy;
  }

  #add(): number {
    this.parents.push(none);
    this.#isParent.push(false);
    return this.parents.length - 1;
  }

  /** Not where it would make a loop. */
  #link(parent: number, child: number): void {
    if (parent === child) return;
    // What never was a parent is above nobody.
    if (this.#isParent[child]) {
      for (let up = parent; up !== none; up = this.parents[up]!) if (up === child) return;
    }
    this.parents[child] = parent;
    this.#isParent[parent] = true;
  }
}

/** (2) to (6): what stands at the top, and who is below whom. */
class Forest {
  readonly #messages: ThreadMessages;
  readonly #children: (number[] | undefined)[] = [];
  #roots: number[] = [];
  /** Nodes from here on are dummies. */
  readonly #dummies: number;

  constructor(messages: ThreadMessages) {
    this.#messages = messages;
    this.#dummies = messages.count;
  }

  /** (2), (3): without dummies but those at the top that hold several together. */
  *plant({ parents }: Links): Generator<void, void, void> {
    const anchors = new Int32Array(parents.length).fill(unknown);
    for (let index = 0; index < this.#dummies; index++) {
      const parent = parents[index]!;
      if (parent === none) this.#roots.push(index);
      else this.#put(index, this.#anchorOf(parent, parents, anchors));
      if (index % stepsMax === 0) yield;
    }
    for (let dummy = this.#dummies; dummy < parents.length; dummy++) {
      if (dummy % stepsMax === 0) yield;
      const children = this.#children[dummy];
      if (children === undefined) continue;
      if (children.length > 1) this.#roots.push(dummy);
      else {
        this.#roots.push(children[0]!);
        this.#children[dummy] = undefined;
      }
    }
    yield;
    // (4), and of (6) what no later step changes.
    for (const [node, children] of this.#children.entries()) {
      if (children !== undefined && children.length > 1) yield* this.#sort(children);
      if (node % stepsMax === 0) yield;
    }
    yield* this.#sort(this.#roots);
  }

  /** The message next above, or the topmost dummy where all above are dummies. */
  #anchorOf(start: number, parents: readonly number[], anchors: Int32Array): number {
    const passed: number[] = [];
    let node = start;
    while (node >= this.#dummies && anchors[node] === unknown && parents[node] !== none) {
      passed.push(node);
      node = parents[node]!;
    }
    const anchor = node >= this.#dummies && anchors[node] !== unknown ? anchors[node]! : node;
    for (const one of passed) anchors[one] = anchor;
    return anchor;
  }

  /** (5) Threads of one subject become one. */
  *gather(): Generator<void, void, void> {
    const table = yield* this.#subjectTable();
    // (5.C) Roots that went below another are gone; a dummy takes the place of the one it was made for.
    // By node, for a map of a million takes a quarter of a second when it grows. Each root may get a dummy.
    const nodesMax = Math.max(this.#children.length, this.#dummies) + this.#roots.length;
    const places = new Uint32Array(nodesMax);
    const isGone = new Uint8Array(nodesMax);
    const isGrown = new Uint8Array(nodesMax);
    const grown: number[] = [];
    for (const [place, root] of this.#roots.entries()) {
      places[root] = place;
      if (place % stepsMax === 0) yield;
    }
    for (const [step, root] of [...this.#roots].entries()) {
      if (step % stepsMax === 0) yield;
      const subject = this.#subjectOf(root);
      const known = subject === 0 ? root : table[subject]!;
      if (known === root) continue;
      isGone[root] = 1;
      const target = this.#merge(root, known);
      if (isGrown[target] === 0) grown.push(target);
      isGrown[target] = 1;
      if (target === known) continue;
      this.#roots[places[known]!] = target;
      places[target] = places[known]!;
      table[subject] = target;
    }
    if (grown.length === 0) return;
    this.#roots = this.#roots.filter((root) => isGone[root] === 0);
    // (6) Below these and at the top the order may be another now.
    for (const [step, node] of grown.entries()) {
      if (step % stepsMax === 0) yield;
      yield* this.#sort(this.#children[node]!);
    }
    yield* this.#sort(this.#roots);
  }

  /** (5.B) By subject, the thread that others of it join. */
  *#subjectTable(): Generator<void, Int32Array, void> {
    const { isReply, subjectCount } = this.#messages;
    const table = new Int32Array(subjectCount).fill(none);
    for (const [step, root] of this.#roots.entries()) {
      if (step % stepsMax === 0) yield;
      const subject = this.#subjectOf(root);
      if (subject === 0) continue;
      const known = table[subject]!;
      const isBetter =
        known === none ||
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
      const added = this.#isDummy(root) ? this.#children[root]! : [root];
      for (const child of added) this.#put(child, known);
      if (this.#isDummy(root)) this.#children[root] = undefined;
      return known;
    }
    if (isReply[root] === 1 && isReply[known] === 0) {
      this.#put(root, known);
      return known;
    }
    const dummy = Math.max(this.#children.length, this.#dummies);
    this.#put(known, dummy);
    this.#put(root, dummy);
    return dummy;
  }

  *nodes(): Generator<void, readonly ThreadNode[], void> {
    const made: ThreadNode[] = [];
    const open: number[] = [];
    const into: ThreadNode[][] = [];
    const push = (nodes: readonly number[], list: ThreadNode[]) => {
      for (let i = nodes.length - 1; i >= 0; i--) {
        open.push(nodes[i]!);
        into.push(list);
      }
    };
    push(this.#roots, made);
    for (let steps = 0; ; steps++) {
      const node = open.pop();
      if (node === undefined) return made;
      const children = this.#children[node];
      const below: ThreadNode[] | undefined = children === undefined ? undefined : [];
      const number = this.#isDummy(node) ? 0 : node + 1;
      into.pop()!.push({ number, children: below ?? noNodes });
      if (below !== undefined) push(children!, below);
      if (steps % stepsMax === 0) yield;
    }
  }

  #subjectOf(root: number): number {
    return this.#messages.subjects[this.#head(root)]!;
  }

  #isDummy(node: number): boolean {
    return node >= this.#dummies;
  }

  #put(child: number, parent: number): void {
    const children = this.#children[parent];
    if (children !== undefined) children.push(child);
    else {
      while (this.#children.length < parent) this.#children.push(undefined);
      this.#children[parent] = [child];
    }
  }

  /** A message stands for itself, a dummy for its first child. */
  #head(node: number): number {
    return this.#isDummy(node) ? this.#children[node]![0]! : node;
  }

  #sort(siblings: number[]): Generator<void, void, void> {
    return sortSteps(siblings, (a, b) => compareSent(this.#messages, this.#head(a), this.#head(b)));
  }
}

const unknown = -2;
