/** Names for the multiples that settings and limits are written in. */

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const kibibyte = 1_024;
export const mebibyte = 1_024 * kibibyte;
export const gibibyte = 1_024 * mebibyte;
