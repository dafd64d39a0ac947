/**
 * What a client may make us hold and how deep it may nest, where no setting says it.
 *
 * Runs in: anywhere.
 */

/** Lists within lists, NOT of NOT, parts of parts. */
export const nestingDepthMax = 32;
/** Ranges of one sequence set. */
export const rangesMax = 20_000;
/** Keys of one SEARCH, nested ones counted. */
export const searchKeysMax = 1_000;
/** Items of one list: flags, FETCH items, patterns, capabilities. */
export const listItemsMax = 1_000;
/** A keyword (RFC 9051 §2.3.2 sets no limit; each is kept by its mailbox). */
export const keywordBytesMax = 128;
/** A mailbox name, in octets of UTF-8. */
export const nameBytesMax = 1_024;
/** One level of it. */
export const nameLevelBytesMax = 255;
export const nameLevelsMax = 32;
/** Patterns of one LIST, and the octets of each: what it costs to match a name grows with both. */
export const patternsMax = 100;
export const patternBytesMax = 1_024;
/** RFC 2971 §3.3: pairs of ID, and the octets of their fields and values. */
export const idPairsMax = 30;
export const idFieldBytesMax = 30;
export const idValueBytesMax = 1_024;
/** Of an access list: as long as an address may be. */
export const identifierBytesMax = 320;
/** Entries of one GETMETADATA or SETMETADATA, and the octets of each name. */
export const metadataEntriesMax = 100;
export const entryNameBytesMax = 255;
