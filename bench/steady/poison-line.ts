/**
 * What makes a message poison to `poisoned-engine.ts`.
 *
 * Runs in: bench and the server under test.
 */

export const poisonLine = 'X-Poison: this message ends the thread that takes it';
