/**
 * Reads what came back for a message: a bounce in any of its forms, a complaint, a request to be left alone.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 3464 (delivery status), RFC 5965 (complaints), RFC 3834 §5 (answers by programs), RFC 2369 (a request
 *            by mail has its token in the subject).
 * Limits:    `textCharsMax` of a text and `linesMax` of its lines are looked at, each once; `addressesMax` addresses are
 *            kept. All that is kept is clipped.
 * Invariant: never throws; no pattern can take longer than its text is long.
 */

import { view } from '../../../base/bytes.ts';
import { classOf, type ResponseClass } from '../../wire/smtp/response-class.ts';
import { findReport } from '../dsn/read-report.ts';
import { fieldName, findField } from '../headers/fields.ts';
import type { HeaderScan } from '../headers/scan.ts';
import { unfoldedValue } from '../headers/unfold.ts';
import { decodeTransfer } from '../mime/decode.ts';
import { type Part, scanStructure } from '../mime/structure.ts';
import { addressesIn } from './addresses-in.ts';
import { type Complaint, readComplaint } from './complaint.ts';
import { failureIn } from './failure-text.ts';

const textCharsMax = 65_536;
const subjectLengthMax = 1_000;
const wordsLengthMax = 300;

export interface BounceReport {
  /** `failed` is final; of another action there is nothing to do. */
  readonly action: 'failed' | 'other';
  /** RFC 3463; "" where none is said. */
  readonly status: string;
  readonly why: ResponseClass;
  readonly words: string;
  /** The server that says so. */
  readonly from: string;
}

export interface FeedbackRead {
  readonly subject: string;
  /** Absent: an answer by a program, or a mail that tells of no failure. */
  readonly bounce?: BounceReport;
  readonly complaint?: Complaint;
  /** Whom it may be about: what reports name first, then all that its texts name. */
  readonly addresses: readonly string[];
}

const subject = fieldName('subject');
const autoSubmitted = fieldName('auto-submitted');
const failedRecipients = fieldName('x-failed-recipients');
const fromName = fieldName('from');

export function readFeedback(bytes: Uint8Array): FeedbackRead {
  const { root, header } = scanStructure(bytes);
  const subjectText = fieldValue(header, subject).slice(0, subjectLengthMax);
  const complaint = readComplaint(bytes, root);
  const report = findReport(bytes, root);
  const told =
    report?.recipients.find(({ action }) => action === 'failed') ?? report?.recipients[0];
  const text = textOf(bytes, root);
  const named = [
    ...(complaint?.recipients ?? []),
    ...(report?.recipients.flatMap((each) => [each.originalRecipient ?? '', each.finalRecipient]) ??
      []),
    ...addressesIn(fieldValue(header, failedRecipients)),
    ...addressesIn(text),
    ...addressesIn(view(bytes).toString('latin1', 0, textCharsMax)),
  ];
  const addresses = [...new Set(named.filter((each) => each !== ''))].slice(0, addressesMax);
  const shared = { subject: subjectText, addresses };
  if (complaint !== undefined) return { ...shared, complaint };
  if (told !== undefined) {
    const { action, status, diagnostic = '' } = told;
    const words = diagnostic === '' ? status : diagnostic;
    return {
      ...shared,
      bounce: {
        action: action === 'failed' ? 'failed' : 'other',
        ...{ status, why: whyOf(status, words), words: words.slice(0, wordsLengthMax) },
        from: (report?.reportingMta ?? '').slice(0, wordsLengthMax),
      },
    };
  }
  // RFC 3834 §5: an answer to a person is no bounce, whatever its text says.
  if (/^auto-replied/i.test(fieldValue(header, autoSubmitted))) return shared;
  const failed = failureIn(text);
  if (failed === undefined) return shared;
  const { status, words } = failed;
  const from = addressesIn(fieldValue(header, fromName))[0] ?? '';
  const isFinal = !status.startsWith('4');
  return {
    ...shared,
    bounce: {
      action: isFinal ? 'failed' : 'other',
      ...{ status, why: whyOf(status, words), words: words.slice(0, wordsLengthMax), from },
    },
  };
}

/** Of one mail. */
const addressesMax = 200;

/** `status` may be ""; a reply's code goes before it. */
function whyOf(status: string, words: string): ResponseClass {
  const code = /(?:^|[^\d.])([245]\d\d)(?![\d.])/.exec(words)?.[1];
  const enhanced = status === '' ? (/[245]\.\d{1,3}\.\d{1,3}/.exec(words)?.[0] ?? '') : status;
  return classOf({
    code: code === undefined ? 0 : Number(code),
    enhanced,
    text: words,
  });
}

function fieldValue(header: HeaderScan, name: ReturnType<typeof fieldName>): string {
  const field = findField(header, name);
  return field < 0 ? '' : unfoldedValue(header, field);
}

/** The first text for people, decoded; HTML as it stands. */
function textOf(bytes: Uint8Array, root: Part): string {
  const part = firstText(root, 'plain') ?? firstText(root, 'html');
  if (part === undefined) return '';
  const raw = bytes.subarray(
    part.bodyStart,
    Math.min(part.bodyEnd, part.bodyStart + 2 * textCharsMax),
  );
  return view(decodeTransfer(raw, part.encoding)).toString('utf8').slice(0, textCharsMax);
}

function firstText(part: Part, subtype: string): Part | undefined {
  if (part.type === 'text' && part.subtype === subtype) return part;
  if (part.type !== 'multipart') return undefined;
  for (const child of part.children) {
    const found = firstText(child, subtype);
    if (found !== undefined) return found;
  }
  return undefined;
}
