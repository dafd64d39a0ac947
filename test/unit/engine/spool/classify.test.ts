/** Aim: every reply has a class, the enhanced code decides the cause where there is one. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { causes, classify, permanences } from '../../../../src/engine/spool/classify.ts';

const classOf = (code: number, enhanced = '') => {
  const { permanence, cause } = classify({ code, enhanced, text: '' });
  return `${permanence} ${cause}`;
};

describe('the class of a reply', () => {
  // RFC 3463 §3: the subject of the code tells the cause.
  it('follows the enhanced code where there is one', () => {
    assert.equal(classOf(550, '5.7.1'), 'permanent policy');
    assert.equal(classOf(550, '5.1.1'), 'permanent address');
    assert.equal(classOf(550, '5.1.8'), 'permanent sender');
    assert.equal(classOf(452, '4.2.2'), 'transient mailbox-full');
    assert.equal(classOf(452, '4.3.1'), 'transient system');
    assert.equal(classOf(552, '5.3.4'), 'permanent content');
    assert.equal(classOf(451, '4.4.2'), 'transient network');
    assert.equal(classOf(554, '5.6.3'), 'permanent content');
  });

  it('follows the code where there is none', () => {
    assert.equal(classOf(250), 'success none');
    assert.equal(classOf(421), 'transient network');
    assert.equal(classOf(452), 'transient mailbox-full');
    assert.equal(classOf(503), 'permanent protocol');
    assert.equal(classOf(554), 'permanent policy');
    assert.equal(classOf(599), 'permanent unknown');
  });

  it('is one of the known for whatever a peer may say', () => {
    for (let code = 0; code < 1_000; code++) {
      for (let subject = 0; subject < 10; subject++) {
        const found = classify({ code, enhanced: `5.${subject}.0`, text: '' });
        assert.ok(permanences.includes(found.permanence) && causes.includes(found.cause));
      }
      assert.ok(causes.includes(classify({ code, enhanced: '', text: '' }).cause));
    }
  });
});
