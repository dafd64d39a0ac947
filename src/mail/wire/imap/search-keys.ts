/**
 * What a SEARCH looks for, as plain data: it may cross threads.
 *
 * Runs in: anywhere.
 * Specs:   RFC 9051 §6.4.4 and RFC 3501 §6.4.4 (NEW, OLD, RECENT); RFC 5032 (WITHIN); RFC 7162 §3.1.5 (MODSEQ);
 *          RFC 8474 (EMAILID, THREADID); RFC 8514 (SAVEDATE); RFC 9738 §3.2 (UIDAFTER, UIDBEFORE: sets).
 */

/** Where a text is looked for; `header` names its field. */
export type TextPlace = 'bcc' | 'body' | 'cc' | 'from' | 'subject' | 'text' | 'to';

export type Criteria =
  | { readonly op: 'all' }
  | { readonly op: 'and'; readonly keys: readonly Criteria[] }
  | { readonly op: 'or'; readonly left: Criteria; readonly right: Criteria }
  | { readonly op: 'not'; readonly key: Criteria }
  /** `bit` is a place in `systemFlags`. */
  | { readonly op: 'flag'; readonly bit: number; readonly isSet: boolean }
  | { readonly op: 'keyword'; readonly keyword: string; readonly isSet: boolean }
  /** \Recent; NEW and OLD are made of it. */
  | { readonly op: 'recent'; readonly isSet: boolean }
  /** Ranges as `SequenceSet`'s: any order, 0 is `*`. `isSaved`: `$`, always UIDs. */
  | {
      readonly op: 'set';
      readonly isUid: boolean;
      readonly isSaved: boolean;
      readonly ranges: readonly number[];
    }
  | { readonly op: 'text'; readonly place: TextPlace; readonly text: string }
  /** `field` in upper case; an empty text asks only whether the field is there. */
  | { readonly op: 'header'; readonly field: string; readonly text: string }
  /** Days since 1970-01-01, zones disregarded (RFC 9051 §6.4.4). `on`: that day; `since`: that day or later. */
  | {
      readonly op: 'date';
      readonly of: 'internal' | 'saved' | 'sent';
      readonly test: 'before' | 'on' | 'since';
      readonly day: number;
    }
  /** Whether the mailbox keeps save dates (RFC 8514 §4.3). */
  | { readonly op: 'saves-dates' }
  | { readonly op: 'size'; readonly test: 'larger' | 'smaller'; readonly bytes: number }
  /** Internal date against now. */
  | { readonly op: 'age'; readonly test: 'older' | 'younger'; readonly seconds: number }
  /** Modseq at least this. */
  | { readonly op: 'modseq'; readonly modseq: number }
  | { readonly op: 'email-id'; readonly id: string }
  | { readonly op: 'thread-id'; readonly id: string };
