/**
 * What operators may ask about shaping.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { Method } from './control-method.ts';
import type { Mark, ShapingAnswer } from './shaping-asks.ts';

type Nothing = Readonly<Record<string, never>>;

export interface ShapingMethods {
  /** Which shaping rules hold for mail to a domain. */
  'shaping.show': Method<
    {
      readonly domain: string;
      readonly tenant?: string;
      readonly campaign?: string;
      readonly source?: string;
    },
    ShapingAnswer
  >;
  /** Stops mail for a time: where all that is given holds. */
  'shaping.suspend': Method<
    {
      readonly forMs: number;
      readonly why: string;
      readonly provider?: string;
      readonly site?: string;
      readonly source?: string;
      readonly domain?: string;
      readonly tenant?: string;
    },
    { readonly mark: Mark }
  >;
  /** Answers what was ended. */
  'shaping.resume': Method<
    { readonly ids: readonly string[]; readonly all?: true },
    { readonly marks: readonly Mark[] }
  >;
  'shaping.list': Method<Nothing, { readonly marks: readonly Mark[] }>;
}
