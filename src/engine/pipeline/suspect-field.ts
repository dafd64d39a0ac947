/**
 * How a message that fails DMARC under a policy of quarantine is marked on its way to its accounts.
 *
 * Runs in: engine threads; pure.
 */

/** With its line break. */
export function suspectField(authservId: string): string {
  return `X-DMARC-Outcome: ${authservId}; quarantine\r\n`;
}
