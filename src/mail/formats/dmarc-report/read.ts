/**
 * Finds the DMARC reports in what came: a mail that carries one, or a file of it.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9990 §3.5.2 (an attachment of one of these types), RFC 9991 (failures).
 * Limits:    `attachmentsMax` attachments of a mail are tried, each up to `attachmentBytesMax`.
 * Invariant: never throws.
 */

import { view } from '../../../base/bytes.ts';
import { withCrlf } from '../line-ends.ts';
import { decodeTransfer } from '../mime/decode.ts';
import { type Part, scanStructure } from '../mime/structure.ts';
import { type DmarcFailure, readDmarcFailure } from './failure-report.ts';
import { parseDmarcReport, reportBytesMax } from './parse.ts';
import type { DmarcReport } from './report.ts';
import { unpackReport } from './unpack.ts';

export interface DmarcReportsRead {
  readonly reports: readonly DmarcReport[];
  readonly failures: readonly DmarcFailure[];
}

export const attachmentsMax = 10;
/** Encoded. */
const attachmentBytesMax = 2 * reportBytesMax;
const types = new Set(['gzip', 'x-gzip', 'zip', 'x-zip-compressed', 'x-zip', 'xml']);

export function readDmarcReports(bytes: Uint8Array): DmarcReportsRead {
  const direct = reportIn(bytes);
  if (direct !== undefined) return { reports: [direct], failures: [] };
  if (isPacked(bytes)) return { reports: [], failures: [] };
  const mail = withCrlf(view(bytes));
  const { root } = scanStructure(mail);
  const failure = readDmarcFailure(mail, root);
  const reports = attachmentsOf(root)
    .slice(0, attachmentsMax)
    .flatMap(({ bodyStart, bodyEnd, encoding }) => {
      if (bodyEnd - bodyStart > attachmentBytesMax) return [];
      const report = reportIn(decodeTransfer(mail.subarray(bodyStart, bodyEnd), encoding));
      return report ?? [];
    });
  return { reports, failures: failure === undefined ? [] : [failure] };
}

function reportIn(bytes: Uint8Array): DmarcReport | undefined {
  const isXml = /^(?:\xef\xbb\xbf)?\s*</.test(view(bytes).toString('latin1', 0, 64));
  if (!isXml && !isPacked(bytes)) return undefined;
  const xml = unpackReport(bytes);
  return xml === undefined ? undefined : parseDmarcReport(xml);
}

function isPacked(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x1f && bytes[1] === 0x8b) || (bytes[0] === 0x50 && bytes[1] === 0x4b);
}

/** By type, or by name where senders give no better type. */
function attachmentsOf(part: Part): readonly Part[] {
  if (part.type === 'multipart') return part.children.flatMap(attachmentsOf);
  const names = [...part.contentType.parameters, ...(part.disposition?.parameters ?? [])];
  const isNamed = names.some(({ value }) => /\.(?:xml|gz|zip)$/i.test(value));
  const isTyped = (part.type === 'application' || part.type === 'text') && types.has(part.subtype);
  return isTyped || isNamed ? [part] : [];
}
