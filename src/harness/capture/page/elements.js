/**
 * Makes elements from values of strangers: text is only ever text, and no attribute runs anything.
 *
 * Runs in: the browser.
 */

/**
 * An element with properties and children; strings become text.
 * @param {string} name
 * @param {Record<string, unknown>} [properties] `class`, `on…` functions, ARIA and other attributes
 * @param {...(Node | string | undefined)} children
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(key, value);
    else made.setAttribute(key, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** 1234567 as `1.2 MB`. */
export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The time for today, the day for what is older. */
export function shortTime(atMs) {
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday
    ? at.toLocaleTimeString([], { timeStyle: 'medium', hourCycle: 'h23' })
    : at.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

export function longTime(atMs) {
  return new Date(atMs).toLocaleString([], {
    dateStyle: 'full',
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
}

/** JSON of the API; throws what it says is wrong. */
export async function ask(path, method = 'GET') {
  const response = await fetch(`/api/v1/${path}`, { method });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
