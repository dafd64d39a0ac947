/** Sets of networks from the texts an operator would write. */

import assert from 'node:assert/strict';
import { type NetworkSet, networkSet } from '../../src/base/networks.ts';
import { readNetwork } from '../../src/settings/networks.ts';

export function networksOf(...texts: readonly string[]): NetworkSet {
  return networkSet(
    texts.map((text) => {
      const reading = readNetwork(text);
      assert.ok(reading.ok, text);
      return reading.value;
    }),
  );
}
