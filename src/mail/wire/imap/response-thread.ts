/**
 * Writes THREAD's answer.
 *
 * Runs in:   anywhere; pure; hot: a mailbox of a million messages is one answer.
 * Specs:     RFC 5256 §4 (THREAD response).
 * Limits:    between two steps `nodesMax` threads are written.
 * Invariant: no recursion, and no object for a message: a thread may be as deep as it has messages.
 */

import { parenClose, parenOpen, space } from './octets.ts';
import type { ResponseWriter } from './response.ts';

const nodesMax = 500;

/** Where no node is. */
export const noNode = -1;

/** Threads of nodes that are linked by their numbers. */
export interface ThreadForest {
  /** The first node of each thread, in order. */
  readonly roots: readonly number[];
  /** A node's first child. */
  readonly below: Int32Array;
  /** The next child of the same node. */
  readonly beside: Int32Array;
  /** Nodes from here on are messages that are not there. */
  readonly dummies: number;
}

/** `* THREAD (2)(3 6 (4 23)(44 7 96))`; `numbers` are what the client calls the messages. */
export function* threadSteps<Handle>(
  writer: ResponseWriter<Handle>,
  forest: ThreadForest,
  numbers: ArrayLike<number>,
): Generator<void, void, void> {
  const { roots, beside } = forest;
  writer.text('* THREAD');
  if (roots.length > 0) writer.octet(space);
  /** Siblings that are being written, each below the one before it. */
  const open: number[] = [];
  let steps = 0;
  for (const root of roots) {
    let node = root;
    for (;;) {
      if (++steps % nodesMax === 0) yield;
      const fork = writeChain(writer, forest, numbers, node);
      if (fork !== noNode) open.push(fork);
      else while (open.length > 0 && beside[open.at(-1)!] === noNode) closeList(writer, open);
      if (open.length === 0) break;
      if (fork === noNode) open.push(beside[open.pop()!]!);
      node = open.at(-1)!;
    }
  }
  writer.crlf();
}

/** The last sibling is written: so is what is above it. */
function closeList<Handle>(writer: ResponseWriter<Handle>, open: number[]): void {
  open.pop();
  writer.octet(parenClose);
}

/** A node and those below it as long as each has one child. The first of several children, whose list stays open. */
function writeChain<Handle>(
  writer: ResponseWriter<Handle>,
  { below, beside, dummies }: ThreadForest,
  numbers: ArrayLike<number>,
  start: number,
): number {
  writer.octet(parenOpen);
  let isFirst = true;
  let node = start;
  for (;;) {
    if (node < dummies) {
      if (!isFirst) writer.octet(space);
      writer.number(numbers[node]!);
      isFirst = false;
    }
    const child = below[node]!;
    if (child === noNode) {
      writer.octet(parenClose);
      return noNode;
    }
    if (beside[child] !== noNode) {
      if (!isFirst) writer.octet(space);
      return child;
    }
    node = child;
  }
}
