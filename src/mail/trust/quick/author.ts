/**
 * The author domain of a message whose From is of a usual shape.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5322 §3.4 (mailbox), RFC 9989 §5.3.1 (the author domain).
 * Invariant: one field, one mailbox, one way to read it; else `undefined`.
 */

import type { PlainHeader } from './header.ts';
import { plainAddressOf } from './shapes.ts';

const fromCharsMax = 1_024;
const bare = /^[ \t]*<?([^\s"(),:;<>@\\[\]]+@[^\s"(),:;<>@\\[\]]+)>?[ \t]*$/;
const named =
  /^[ \t]*(?:"[\x20-\x21\x23-\x3b\x3d\x3f\x41-\x5b\x5d-\x7e]*"|[^\x00-\x08\x0a-\x1f\x7f"(),:;<>@\\[\]]+)[ \t]*<([^\s"(),:;<>@\\[\]]+@[^\s"(),:;<>@\\[\]]+)>[ \t]*$/;

/** In lower case. */
export function authorDomain(header: PlainHeader): string | undefined {
  const fields = header.fields('from');
  if (fields.length !== 1) return undefined;
  const value = header.value(fields[0]!).replaceAll('\r\n', '');
  if (value.length > fromCharsMax) return undefined;
  const isOpen = value.includes('<') !== value.includes('>');
  const match = isOpen ? null : (bare.exec(value) ?? named.exec(value));
  return match === null ? undefined : plainAddressOf(match[1]!)?.domain.toLowerCase();
}
