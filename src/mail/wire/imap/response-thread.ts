/**
 * Writes THREAD's answer.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5256 §4 (THREAD response).
 * Invariant: no recursion: a thread may be as deep as it has messages.
 */

import { parenClose, parenOpen, space } from './octets.ts';
import type { ResponseWriter } from './response.ts';

export interface ThreadNode {
  /** A message number or UID; 0 is a message that is not there. */
  readonly number: number;
  readonly children: readonly ThreadNode[];
}

/** `* THREAD (2)(3 6 (4 23)(44 7 96))`, thread by thread; `numberOf` tells what the client calls a message. */
export function* threadSteps<Handle>(
  writer: ResponseWriter<Handle>,
  threads: readonly ThreadNode[],
  numberOf: (number: number) => number,
): Generator<void, void, void> {
  writer.text('* THREAD');
  if (threads.length > 0) writer.octet(space);
  for (const thread of threads) {
    writeThread(writer, thread, numberOf);
    yield;
  }
  writer.crlf();
}

/** What is still to be written: a node that opens a list, or the end of one. */
type Step = ThreadNode | typeof listEnd;
const listEnd = 'end';

function writeThread<Handle>(
  writer: ResponseWriter<Handle>,
  thread: ThreadNode,
  numberOf: (number: number) => number,
): void {
  const steps: Step[] = [thread];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step === listEnd) {
      writer.octet(parenClose);
      continue;
    }
    writer.octet(parenOpen);
    let node = step;
    let isFirst = true;
    for (;;) {
      if (node.number > 0) {
        if (!isFirst) writer.octet(space);
        writer.number(numberOf(node.number));
        isFirst = false;
      }
      if (node.children.length !== 1) break;
      node = node.children[0]!;
    }
    if (node.children.length > 0 && !isFirst) writer.octet(space);
    steps.push(listEnd);
    for (let i = node.children.length - 1; i >= 0; i--) steps.push(node.children[i]!);
  }
}
