/**
 * Message identifiers in Message-ID, In-Reply-To and References.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §3.6.4, §4.5.4 (obsolete phrases between identifiers are skipped).
 * Limits:    `idsMax` identifiers of at most `idLengthMax` characters.
 */

const idsMax = 1_000;
const idLengthMax = 998;
const idPattern = new RegExp(
  `<([^<>\\s]{1,${idLengthMax}}|"[^"<>]{1,${idLengthMax}}"@[^<>\\s]+)>`,
  'g',
);

/** Identifiers without their angle brackets, in order, each once. `value` is unfolded. */
export function messageIds(value: string): readonly string[] {
  const ids = new Set<string>();
  for (const match of value.matchAll(idPattern)) {
    ids.add(match[1]!);
    if (ids.size === idsMax) break;
  }
  return [...ids];
}

const quotedLeft = /^"((?:[^"\\]|\\.)*)"(?=@)/;
const escaped = /\\(.)/g;

/** Identifiers as threads compare them, repeated ones and all: quoting makes no difference (RFC 5256 §3). */
export function threadIdList(value: string): readonly string[] {
  const ids: string[] = [];
  for (const [, id] of value.matchAll(idPattern)) {
    const isQuoted = id!.startsWith('"');
    ids.push(isQuoted ? id!.replace(quotedLeft, (_, left) => left.replace(escaped, '$1')) : id!);
    if (ids.length === idsMax) break;
  }
  return ids;
}
