/**
 * The HTML of a captured message as a document of its own, for a frame that may do nothing.
 *
 * Runs in:   sink; pure.
 * Specs:     CSP Level 3 (sandbox, sources), RFC 2392 (cid:).
 * Limits:    `inlineBytesMax` of pictures are put into the document.
 * Invariant: the message is shown as it is, not cleaned: what holds it is the policy that goes with the answer and the
 *            frame's sandbox. No script runs, nothing is loaded but data: URLs unless remote content was asked for.
 */

import { Buffer } from 'node:buffer';
import type { Attachment, Email } from 'postal-mime';
import { mebibyte } from '../../base/units.ts';
import { isPicture } from './download.ts';

const inlineBytesMax = 16 * mebibyte;
/** Links open in new windows, which are free of the sandbox and know nothing of where they came from. */
const frameSandbox = 'allow-popups allow-popups-to-escape-sandbox';

export function htmlPolicy(isRemote: boolean): string {
  const remote = isRemote ? ' https: http:' : '';
  return [
    `sandbox ${frameSandbox}`,
    "default-src 'none'",
    `img-src data:${remote}`,
    `style-src 'unsafe-inline'${remote}`,
    `font-src data:${remote}`,
    `media-src data:${remote}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
}

const head =
  '<!doctype html><html><head><meta charset="utf-8"><base target="_blank">' +
  '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light"></head>';

export function htmlDocument(email: Email): string {
  const pictures = picturesOf(email.attachments);
  let left = inlineBytesMax;
  const html = (email.html ?? '').replaceAll(/cid:([^\s"'<>)]{1,250})/gi, (whole, id: string) => {
    const picture = pictures.get(decoded(id));
    const bytes = picture === undefined ? undefined : bytesOf(picture);
    if (picture === undefined || bytes === undefined || bytes.length > left) return whole;
    left -= bytes.length;
    return `data:${picture.mimeType};base64,${bytes.toString('base64')}`;
  });
  return head + html;
}

export function bytesOf({ content, encoding }: Attachment): Buffer {
  if (typeof content === 'string') {
    return Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
  }
  return content instanceof Uint8Array
    ? Buffer.from(content)
    : Buffer.from(new Uint8Array(content));
}

function picturesOf(attachments: readonly Attachment[]): ReadonlyMap<string, Attachment> {
  const pictures = new Map<string, Attachment>();
  for (const part of attachments) {
    if (part.contentId === undefined || !isPicture(part.mimeType)) continue;
    pictures.set(part.contentId.replace(/^<|>$/g, ''), part);
  }
  return pictures;
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
