/** Aim: subject and sender are read out of any envelope we write. Method: whole messages through the summary. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { headingOf } from '../../../../../src/mail/formats/mime/heading.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';

const heading = (header: string) =>
  headingOf(summarise(Buffer.from(`${header}\r\n\r\nText\r\n`)).envelope);

it('tells subject and address, whatever stands around them', () => {
  const from = 'From: "Sam \\"the\\" (man" <s@far.test>';
  assert.deepEqual(heading(`${from}\r\nSubject: Plain "quoted" \\ text`), {
    from: 's@far.test',
    subject: 'Plain "quoted" \\ text',
  });
  assert.equal(heading(`${from}\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=`).subject, 'Grüße');
  assert.equal(heading(`Subject: gr\xfc\xdfe ${'x'.repeat(400)}\r\n${from}`).subject.length, 255);
});

it('tells nothing where there is nothing', () => {
  assert.deepEqual(heading('X: y'), { from: '', subject: '' });
  assert.deepEqual(headingOf(undefined), { from: '', subject: '' });
});
