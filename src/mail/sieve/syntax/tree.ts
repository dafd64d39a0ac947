/**
 * What a script says, before anybody asks what its words mean.
 *
 * Specs:     RFC 5228 §8.2.
 */

export interface StringNode {
  readonly text: string;
  readonly at: number;
}

export type Argument =
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'tag'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'strings';
      readonly strings: readonly StringNode[];
      /** Written with brackets. */
      readonly isList: boolean;
      readonly at: number;
    };

export interface TestNode {
  /** In lower case. */
  readonly name: string;
  readonly arguments: readonly Argument[];
  readonly tests: readonly TestNode[];
  /** The tests stand in parentheses. */
  readonly isTestList: boolean;
  readonly at: number;
}

export interface CommandNode extends TestNode {
  /** Undefined: it ends with a semicolon. */
  readonly block: readonly CommandNode[] | undefined;
}
