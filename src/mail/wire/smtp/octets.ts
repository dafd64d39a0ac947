/**
 * Names and classes of the octets SMTP's grammar is made of.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.1.2 (atext, qtext), RFC 6531 §3.3 (UTF-8 in them).
 */

export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const space = 0x20;
export const quote = 0x22;
export const comma = 0x2c;
export const dot = 0x2e;
export const colon = 0x3a;
export const lessThan = 0x3c;
export const greaterThan = 0x3e;
export const at = 0x40;
export const bracketOpen = 0x5b;
export const backslash = 0x5c;
export const bracketClose = 0x5d;

const classAtext = 1;
const classDomain = 2;
const classUpper = 4;

const classes = new Uint8Array(256);
for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
  classes[letter.charCodeAt(0)] = classAtext | classDomain;
  classes[letter.toUpperCase().charCodeAt(0)] = classAtext | classDomain | classUpper;
}
for (const digit of '0123456789') classes[digit.charCodeAt(0)] = classAtext | classDomain;
for (const mark of "!#$%&'*+/=?^`{|}~") classes[mark.charCodeAt(0)] = classAtext;
// The underscore is no letter of a host name, but names of mail domains with it exist and resolve.
for (const mark of '-_') classes[mark.charCodeAt(0)] = classAtext | classDomain;
for (let octet = 0x80; octet < 0x100; octet++) classes[octet] = classAtext | classDomain;

export function isAtext(octet: number): boolean {
  return (classes[octet]! & classAtext) !== 0;
}

/** A letter, digit, hyphen, underscore or part of a UTF-8 sequence; the dot is not one. */
export function isDomainOctet(octet: number): boolean {
  return (classes[octet]! & classDomain) !== 0;
}

export function isUpper(octet: number): boolean {
  return (classes[octet]! & classUpper) !== 0;
}
