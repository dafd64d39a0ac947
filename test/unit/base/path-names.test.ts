/** Aim: a path's name gives its site back, whatever host names the DNS holds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathName, siteOfPath } from '../../../src/base/path-names.ts';

test('a path is named after its site and its source', () => {
  assert.equal(pathName('mx:a.test,b.test', 'fast'), 'mx:a.test,b.test|fast');
  assert.equal(siteOfPath('mx:a.test,b.test|fast'), 'mx:a.test,b.test');
});

test('a path of no source is its site', () => {
  assert.equal(siteOfPath('smtp://192.0.2.1:25'), 'smtp://192.0.2.1:25');
});

test('no name of a source can be taken for a part of a site', () => {
  assert.equal(siteOfPath(pathName('mx:odd|host.test', 'slow')), 'mx:odd|host.test');
});
