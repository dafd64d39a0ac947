/** An operator's addresses end no command and no header field early. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedAddress } from '../../../../src/app/control/addresses.ts';

describe('an address an operator gives', () => {
  for (const address of [
    'ann@local.test',
    'ann+tag@local.test',
    '"q q"@local.test',
    'é@local.test',
  ]) {
    it(`may be ${address}`, () => assert.equal(checkedAddress(address), address));
  }
  for (const address of [
    '',
    'ann',
    'ann@local.test\r\nRCPT TO:<x@y.test',
    'a\nb@local.test',
    '"a\rb"@local.test',
    'ann@local.test> SIZE=1',
    '<ann@local.test>',
    'a@b@local.test',
    '@a.test:ann@local.test\n',
    'ann@local test',
  ]) {
    it(`is refused as ${JSON.stringify(address)}`, () => {
      assert.throws(() => checkedAddress(address), /no address/);
    });
  }
});
