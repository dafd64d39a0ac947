/** Aim: a milter is told what it was not told of, and its names of recipients lead where the client's did. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inAddresses, recipientsToTell } from '../../../../src/adapters/milter/milter-carried.ts';
import type { CarriedKnown, ToldRecipient } from '../../../../src/ports/carried-scans.ts';
import type { ScanEdit } from '../../../../src/ports/content-scanner.ts';
import { plainMessage, subjectOf } from '../../../support/scanners.ts';

function knowing(...recipients: readonly ToldRecipient[]): CarriedKnown {
  return {
    ...{ isAccepted: false, agreed: [6, 0, 0], isHeloTold: true, isSenderTold: true },
    recipients,
  };
}

const alias = { address: 'info@a.test', leadsTo: ['ann@a.test', 'bob@a.test'], isTold: true };
const bob = { address: 'Bob@a.test', leadsTo: ['bob@a.test'], isTold: true };
const subject = subjectOf(plainMessage(), { recipients: ['ann@a.test', 'bob@a.test'] });

it('hears of recipients that it was not told of', () => {
  assert.deepEqual(recipientsToTell(subject), subject.recipients);
  const none = knowing({ ...alias, isTold: false });
  assert.deepEqual(recipientsToTell(subject, none), subject.recipients, 'as they stand');
  assert.deepEqual(recipientsToTell(subject, knowing(alias, bob)), []);
  const one = knowing(alias, { ...bob, isTold: false });
  assert.deepEqual(recipientsToTell(subject, one), ['Bob@a.test']);
});

it('takes out what a name led to, and no other name does that stays', () => {
  const remove = (address: string) => ({ kind: 'remove-recipient', address }) as const;
  const removed = (edits: readonly ScanEdit[], known: CarriedKnown) => {
    const found = inAddresses({ kind: 'decided', action: 'accept', text: '', edits }, known);
    return 'edits' in found ? found.edits.map((edit) => 'address' in edit && edit.address) : [];
  };
  const info = remove('INFO@a.test');
  assert.deepEqual(removed([info], knowing(alias)), ['ann@a.test', 'bob@a.test']);
  assert.deepEqual(removed([info], knowing(alias, bob)), ['ann@a.test']);
  const both = [info, remove('bob@a.test')];
  const all = ['ann@a.test', 'bob@a.test', 'bob@a.test'];
  assert.deepEqual(removed(both, knowing(alias, bob)), all);
  assert.deepEqual(removed([remove('dan@b.test')], knowing(alias)), ['dan@b.test']);
  const untold = knowing({ ...alias, isTold: false });
  assert.deepEqual(removed([info], untold), ['INFO@a.test'], 'it heard of addresses');
});
