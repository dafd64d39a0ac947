/**
 * Messages that say by themselves who wrote them and whether they are whole.
 *
 * Runs in: crash runs and simulations.
 */

/** `w2-17-900`: the seventeenth message of writer 2, with a text of 900 octets. */
export function textOf(writer: number, number: number, bytes: number): string {
  return `w${writer}-${number}-${bytes}`;
}

export function writerOf(text: string): number {
  return Number(/^w(\d+)-/.exec(text)?.[1] ?? -1);
}

export function messageOf(text: string): Buffer {
  const bytes = Number(text.slice(text.lastIndexOf('-') + 1));
  const lines = `${text}\r\n`.repeat(Math.ceil(bytes / (text.length + 2)));
  return Buffer.from(`From: ${text}@local.test\r\nSubject: ${text}\r\n\r\n${lines}`);
}

/** The text of a message as it is found; what is not whole is said. Trace fields may stand before it. */
export function readText(octets: string): string {
  const text = /^Subject: (w\d+-\d+-\d+)\r\n/m.exec(octets)?.[1];
  if (text === undefined) return `something else: ${octets.slice(0, 60)}`;
  return octets.endsWith(messageOf(text).toString('latin1')) ? text : `${text}, damaged`;
}
