/**
 * Aim: THREAD's answer is written as RFC 5256 §4 has it.
 * Method: chosen threads, and one that is as deep as a mailbox.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import {
  noNode,
  type ThreadForest,
  threadSteps,
} from '../../../../../src/mail/wire/imap/response-thread.ts';

function parts(write: (writer: ResponseWriter) => Generator<void>): string {
  const writer = new ResponseWriter();
  for (const _ of write(writer));
  return Buffer.concat(writer.take()).toString('latin1');
}

describe('THREAD', () => {
  interface Node {
    readonly number: number;
    readonly children: readonly Node[];
  }
  const node = (number: number, ...children: Node[]): Node => ({ number, children });
  const write = (...threads: Node[]) => {
    const { forest, numbers } = linked(threads);
    return parts((writer) => threadSteps(writer, forest, numbers)).trimEnd();
  };

  /** Messages first, then those that are not there. */
  function linked(threads: readonly Node[]): { forest: ThreadForest; numbers: number[] } {
    const all: Node[] = [];
    for (const open = [...threads]; open.length > 0; ) {
      const one = open.pop()!;
      all.push(one);
      open.push(...one.children);
    }
    const there = all.filter(({ number }) => number > 0);
    const places = new Map(
      [...there, ...all.filter(({ number }) => number === 0)].map((one, place) => [one, place]),
    );
    const below = new Int32Array(all.length).fill(noNode);
    const beside = new Int32Array(all.length).fill(noNode);
    for (const one of all) {
      one.children.forEach((child, i) => {
        if (i === 0) below[places.get(one)!] = places.get(child)!;
        else beside[places.get(one.children[i - 1]!)!] = places.get(child)!;
      });
    }
    const roots = threads.map((one) => places.get(one)!);
    const forest = { roots, below, beside, dummies: there.length };
    return { forest, numbers: there.map(({ number }) => number) };
  }

  test('RFC 5256 §4: chains, branches and messages that are not there', () => {
    assert.equal(
      write(node(2), node(3, node(6, node(4, node(23)), node(44, node(7, node(96)))))),
      '* THREAD (2)(3 6 (4 23)(44 7 96))',
    );
    assert.equal(write(node(0, node(3), node(5))), '* THREAD ((3)(5))');
    assert.equal(write(node(0, node(3))), '* THREAD (3)');
    assert.equal(write(node(1, node(0, node(3), node(5)))), '* THREAD (1 (3)(5))');
    assert.equal(write(), '* THREAD');
  });

  test('a thread as deep as a mailbox is written', () => {
    let deep = node(1);
    for (let i = 2; i <= 100_000; i++) deep = node(i, deep, node(1));
    assert.ok(write(deep).endsWith(')'));
  });
});
