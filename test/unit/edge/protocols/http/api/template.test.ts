/** Aim: values stay values. Method: texts with names in every place, and values that look like names and markup. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, Template } from '../../../../../../src/edge/protocols/http/api/template.ts';

const lengthMax = 100;

test('names are replaced wherever they stand, and nothing else is', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['no name', 'no name'],
    ['{{a}}', 'A'],
    ['{{ a }}{{a}}-{{b_1}}', 'AA-B'],
    ['{a} {{a }{{ {{}} {{1}} {{a-b}} }}', '{a} {{a }{{ {{}} {{1}} {{a-b}} }}'],
    ['{{{a}}}', '{A}'],
    ['{{a\n}}', 'A'],
  ];
  for (const [text, wanted] of cases) {
    const template = new Template(text);
    assert.equal(template.fill({ a: 'A', b_1: 'B' }, lengthMax), wanted, text);
  }
});

test('a value is not read again for names, and is escaped in HTML', () => {
  const value = `{{b}} <a href="x">&'`;
  const template = new Template('{{a}}');
  assert.equal(template.fill({ a: value }, lengthMax), value);
  const escaped = '{{b}} &lt;a href=&quot;x&quot;&gt;&amp;&#39;';
  assert.equal(template.fill({ a: value }, lengthMax, escapeHtml), escaped);
});

test('a name without a value is told, also one that every object has', () => {
  assert.equal(new Template('{{a}} {{b}}').missing({ a: '' }), 'b');
  assert.equal(new Template('{{constructor}}').missing({}), 'constructor');
  assert.equal(new Template('{{a}}').missing({ a: '' }), undefined);
});

test('a text past the limit is given up', () => {
  const template = new Template('{{a}}{{a}}');
  assert.equal(template.fill({ a: 'x'.repeat(50) }, lengthMax)?.length, lengthMax);
  assert.equal(template.fill({ a: 'x'.repeat(51) }, lengthMax), undefined);
});
