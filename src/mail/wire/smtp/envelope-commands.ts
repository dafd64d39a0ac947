/**
 * Reads MAIL and RCPT with their ESMTP parameters out of a command's bytes.
 *
 * Runs in:   anywhere; pure; hot: without parameters only the path's string is made.
 * Specs:     RFC 5321 §4.1.1.2-3, §4.1.1.11; RFC 1870 (SIZE); RFC 6152, RFC 3030 (BODY); RFC 6531 (SMTPUTF8);
 *            RFC 3461 (RET, ENVID, NOTIFY, ORCPT); RFC 4954 §5 (AUTH=); RFC 8689 §3 (REQUIRETLS); the rest in
 *            terms-parameters.ts.
 */

import type { Buffer } from 'node:buffer';
import { colon, space } from './octets.ts';
import { type Path, parsePath } from './path.ts';
import { readTerm, type TermsParameters } from './terms-parameters.ts';
import { isUtf8Xtext, isXtext } from './xtext.ts';

/** `path`: no address there. `unknown`: a parameter we do not know (555). `parameter`: a bad value (501). */
export type EnvelopeFault = 'syntax' | 'path' | 'unknown' | 'parameter';

export type BodyParameter = '7bit' | '8bitmime' | 'binarymime';

export interface MailCommand {
  readonly path: Path;
  /** Octets by SIZE=; -1 when the client did not say. */
  readonly sizeBytes: number;
  readonly body: BodyParameter;
  readonly smtputf8: boolean;
  readonly ret: 'full' | 'hdrs' | undefined;
  readonly envid: string | undefined;
  /** AUTH= as given; we never act on it, which RFC 4954 §5 allows. */
  readonly auth: string | undefined;
  readonly requireTls: boolean;
  /** Absent: none was given. */
  readonly terms?: TermsParameters;
}

export interface NotifyParameter {
  readonly never: boolean;
  readonly success: boolean;
  readonly failure: boolean;
  readonly delay: boolean;
}

export interface RcptCommand {
  readonly path: Path;
  readonly notify: NotifyParameter | undefined;
  readonly orcpt: string | undefined;
}

const parameterPattern = /^([a-z0-9][a-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?$/i;
const envidCharsMax = 100;
const orcptCharsMax = 500;

/** `from` is the offset after the verb. */
export function parseMail(line: Buffer, from: number, to: number): MailCommand | EnvelopeFault {
  const pathFrom = skipWord(line, from, to, 'from');
  if (pathFrom < 0) return 'syntax';
  const path = parsePath(line, pathFrom, to);
  if (path === undefined) return 'path';
  if (path.end === to) return plainMail(path);
  return parseMailParameters(path, line.toString('utf8', path.end, to));
}

export function parseRcpt(line: Buffer, from: number, to: number): RcptCommand | EnvelopeFault {
  const pathFrom = skipWord(line, from, to, 'to');
  if (pathFrom < 0) return 'syntax';
  const path = parsePath(line, pathFrom, to);
  if (path === undefined || path.address === '') return 'path';
  if (path.end === to) return { path, notify: undefined, orcpt: undefined };
  return parseRcptParameters(path, line.toString('utf8', path.end, to));
}

/** Offset of the path behind ` FROM:`; spaces after the colon are common and harmless. */
function skipWord(line: Buffer, from: number, to: number, word: string): number {
  let i = from;
  while (i < to && line[i] === space) i++;
  if (i === from) return -1;
  for (let k = 0; k < word.length; k++, i++) {
    if (i >= to || (line[i]! | 0x20) !== word.charCodeAt(k)) return -1;
  }
  if (i >= to || line[i] !== colon) return -1;
  i++;
  while (i < to && line[i] === space) i++;
  return i;
}

function plainMail(path: Path): MailCommand {
  return {
    path,
    sizeBytes: -1,
    body: '7bit',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    auth: undefined,
    requireTls: false,
  };
}

type Parameters = Map<string, string | undefined>;

/** Undefined when a parameter is malformed or stands twice. */
function splitParameters(text: string): Parameters | undefined {
  if (!text.startsWith(' ')) return undefined;
  const parameters: Parameters = new Map();
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const match = parameterPattern.exec(word);
    if (match === null) return undefined;
    const keyword = match[1]!.toUpperCase();
    if (parameters.has(keyword)) return undefined;
    parameters.set(keyword, match[2]);
  }
  return parameters;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function parseMailParameters(path: Path, text: string): MailCommand | EnvelopeFault {
  const parameters = splitParameters(text);
  if (parameters === undefined) return 'parameter';
  const mail: Writable<MailCommand> = plainMail(path);
  for (const [keyword, value] of parameters) {
    const fault = setMailParameter(mail, keyword, value);
    if (fault !== undefined) return fault;
  }
  return mail;
}

function setMailParameter(
  mail: Writable<MailCommand>,
  keyword: string,
  value: string | undefined,
): EnvelopeFault | undefined {
  switch (keyword) {
    case 'SIZE':
      // RFC 1870 §3: up to 20 digits; what does not fit a double is too large in any case.
      if (value === undefined || !/^\d{1,20}$/.test(value)) return 'parameter';
      mail.sizeBytes = Number(value);
      return undefined;
    case 'BODY': {
      const body = value?.toLowerCase();
      if (body !== '7bit' && body !== '8bitmime' && body !== 'binarymime') return 'parameter';
      mail.body = body;
      return undefined;
    }
    case 'SMTPUTF8':
      if (value !== undefined) return 'parameter';
      mail.smtputf8 = true;
      return undefined;
    case 'REQUIRETLS':
      if (value !== undefined) return 'parameter';
      mail.requireTls = true;
      return undefined;
    case 'RET': {
      const ret = value?.toLowerCase();
      if (ret !== 'full' && ret !== 'hdrs') return 'parameter';
      mail.ret = ret;
      return undefined;
    }
    case 'ENVID':
      if (value === undefined || value.length > envidCharsMax || !isXtext(value))
        return 'parameter';
      mail.envid = value;
      return undefined;
    case 'AUTH':
      if (value === undefined || !isXtext(value)) return 'parameter';
      mail.auth = value;
      return undefined;
    default: {
      const terms = mail.terms ?? {};
      const isGood = readTerm(terms, keyword, value);
      if (isGood === undefined) return 'unknown';
      mail.terms = terms;
      return isGood ? undefined : 'parameter';
    }
  }
}

function parseRcptParameters(path: Path, text: string): RcptCommand | EnvelopeFault {
  const parameters = splitParameters(text);
  if (parameters === undefined) return 'parameter';
  let notify: NotifyParameter | undefined;
  let orcpt: string | undefined;
  for (const [keyword, value] of parameters) {
    if (keyword === 'NOTIFY') {
      notify = parseNotify(value ?? '');
      if (notify === undefined) return 'parameter';
    } else if (keyword === 'ORCPT') {
      if (value === undefined || !isOrcpt(value)) return 'parameter';
      orcpt = value;
    } else {
      return 'unknown';
    }
  }
  return { path, notify, orcpt };
}

/** RFC 3461 §4.1: NEVER alone, or any of the others. */
export function parseNotify(value: string): NotifyParameter | undefined {
  const notify = { never: false, success: false, failure: false, delay: false };
  const words = value.toLowerCase().split(',');
  for (const word of words) {
    if (word === 'never' && words.length === 1) notify.never = true;
    else if (word === 'success' || word === 'failure' || word === 'delay') notify[word] = true;
    else return undefined;
  }
  return notify;
}

function isOrcpt(value: string): boolean {
  const split = value.indexOf(';');
  if (split < 1 || value.length > orcptCharsMax) return false;
  const type = value.slice(0, split);
  const address = value.slice(split + 1);
  if (!/^[a-z0-9!#$%&'*+/?^_`{|}~-]+$/i.test(type) || address === '') return false;
  // RFC 6533 §3: the utf-8 address type has an escape of its own.
  return type.toLowerCase() === 'utf-8' ? isUtf8Xtext(address) : isXtext(address);
}
