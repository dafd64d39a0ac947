/**
 * Finds the line a value of a TOML file stands on: the parser gives values, and an operator wants to know where.
 *
 * Runs in:   anywhere; pure.
 * Invariant: a hint only: what is not found is told with the line of its table, or 0.
 */

export interface Lines {
  /** Of a key in a table, as `limits[2]` and `messageRate`; of the table where the key is not found. */
  of(table: string, key?: string): number;
}

const tableHead = /^\s*\[\s*([^[\]]+?)\s*\]\s*(?:#.*)?$/;
const arrayHead = /^\s*\[\[\s*([^[\]]+?)\s*\]\]\s*(?:#.*)?$/;
const keyHead = /^\s*("[^"]*"|'[^']*'|[\w-]+)\s*=/;

export function linesOf(content: string): Lines {
  const known = new Map<string, number>();
  const counts = new Map<string, number>();
  let table = '';
  content.split('\n').forEach((text, at) => {
    const array = arrayHead.exec(text)?.[1];
    const head = array ?? tableHead.exec(text)?.[1];
    if (head !== undefined) {
      const name = bare(head);
      const count = counts.get(name) ?? 0;
      if (array !== undefined) counts.set(name, count + 1);
      table = array === undefined ? name : `${name}[${count}]`;
      known.set(table, at + 1);
      return;
    }
    const key = keyHead.exec(text)?.[1];
    const path = `${table}\n${bare(key ?? '')}`;
    if (key !== undefined && !known.has(path)) known.set(path, at + 1);
  });
  return { of: (name, key = '') => known.get(`${name}\n${key}`) ?? known.get(name) ?? 0 };
}

function bare(name: string): string {
  return name.replaceAll(/["']/g, '').replaceAll(/\s*\.\s*/g, '.');
}
