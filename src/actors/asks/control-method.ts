/**
 * The form of what operators may ask.
 *
 * Runs in: both sides of the control socket; types only.
 */

/** One method: what it is given, what it answers, and what it hands out on the way (`item`), if anything. */
export interface Method<Params, Result, Item = never> {
  readonly params: Params;
  readonly result: Result;
  readonly item: Item;
}

export type Nothing = Readonly<Record<string, never>>;
