/**
 * What is known of an address besides itself: its country, whose network it is in, whatever an operator's file says.
 *
 * Contract: labels are in lower case, of `[a-z0-9:._-]`, 63 characters at most, each once, `labelsMax` of them. An
 * address nobody knows anything of, or that is none, has no labels. A look-up never throws and never waits long: an
 * adapter that cannot say answers nothing.
 */

import type { Eventually } from './account-directory.ts';

export const labelsMax = 16;

export interface NetworkLabels {
  of(address: string): Eventually<readonly string[]>;
}

export const noLabels: NetworkLabels = { of: () => [] };
