/**
 * The form of what may be asked: an act's parameters, result and items as schemas, and its place in the REST API. Types,
 * the checks on the control socket and over HTTP, and the OpenAPI document are made of them.
 *
 * Runs in:   the main thread; threads that only need the types import nothing of it.
 * Specs:     JSON Schema 2020-12, as OpenAPI 3.1 takes it.
 * Invariant: an act has a place in the REST API, or a reason why it has none.
 */

import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { Method, Nothing } from './control-method.ts';

interface Described<P extends TSchema = TSchema, R extends TSchema = TSchema> {
  /** One sentence. */
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** What is handed out on the way. */
  readonly item?: TSchema;
}

/** Reached as `METHOD /api/v1/path`, with `{name}` where a parameter stands. */
interface Placed {
  readonly rest: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /api/v1/${string}`;
  /** What a request need not say. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** The parameter that is the asker's own address where a request does not say it. */
  readonly own?: string;
}

/** On the control socket only. */
interface Unplaced {
  readonly cliOnly: string;
}

export type Act = Described & (Placed | Unplaced);

/** As values are handed about: nobody changes what was asked or answered. */
export type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: Plain<T[K]> };

export type PlainOf<S extends TSchema> = Plain<Static<S>>;

type ItemOf<A> = A extends { readonly item: infer I extends TSchema } ? PlainOf<I> : never;

/** The methods of a table of acts. */
export type MethodsOf<Acts> = {
  readonly [M in keyof Acts]: Acts[M] extends Described<infer P, infer R>
    ? Method<PlainOf<P>, PlainOf<R>, ItemOf<Acts[M]>>
    : never;
};

/** An object of these fields and no others. */
export function only<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

export const nothing = Type.Unsafe<Nothing>(only({}));

/** The form is another part's: its type is known here, and its fields are not repeated. */
export function formOf<T>(description: string) {
  return Type.Unsafe<T>(Type.Object({}, { description }));
}

export const addressText = Type.String({ minLength: 1, maxLength: 1_000 });
export const nameText = Type.String({ minLength: 1, maxLength: 255 });
/** Names, patterns and words that may be empty. */
export const anyText = Type.String({ maxLength: 1_000 });
export const count = Type.Integer({ minimum: 0 });
/** From 1 up. */
export const rowNumber = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });
export const epochMs = Type.Number({ description: 'Epoch milliseconds.' });
export const shardNumber = Type.Integer({ minimum: 0, maximum: 1_023 });
export const flag = Type.Boolean();

export function listOf<S extends TSchema>(items: S) {
  return Type.Array(items);
}
