/**
 * The text of an HTML part, for previews and search: not for display.
 *
 * Runs in:   engine threads and jobs; pure.
 * Limits:    linear time; no tree is built and nothing is nested.
 * Invariant: the result holds no tag; it may still hold `<` and must be escaped by whoever shows it.
 */

/** Elements whose content nobody reads. */
const hidden: ReadonlySet<string> = new Set([
  'script',
  'style',
  'head',
  'title',
  'template',
  'noscript',
  'svg',
  'object',
]);
const rawText: ReadonlySet<string> = new Set(['script', 'style', 'title']);
/** Elements that stand in a line of text: their tags part no words. */
const inline: ReadonlySet<string> = new Set([
  'a',
  'abbr',
  'b',
  'bdi',
  'bdo',
  'big',
  'cite',
  'code',
  'em',
  'font',
  'i',
  'ins',
  'kbd',
  'mark',
  'q',
  's',
  'small',
  'span',
  'strong',
  'sub',
  'sup',
  'tt',
  'u',
  'wbr',
]);

export function htmlText(html: string): string {
  let text = '';
  let at = 0;
  /** Elements whose end stands nowhere further on: looked for once, so that many of them cost no more than one. */
  const unended = new Set<string>();
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      text += html.slice(at);
      break;
    }
    text += html.slice(at, open);
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4);
      if (end < 0) break;
      at = end + 3;
      continue;
    }
    const tag = tagName(html, open + 1);
    if (tag === '') {
      // `a < b` is text.
      text += '<';
      at = open + 1;
      continue;
    }
    at = afterTag(html, open + 1);
    if (hidden.has(tag)) {
      const end = unended.has(tag) ? at : afterClosing(html, tag, at);
      if (end === at) unended.add(tag);
      at = end;
    } else if (!inline.has(tag.replace('/', ''))) text += ' ';
  }
  return decodeEntities(text);
}

/** `p`, `/p`, `!doctype`; "" where no tag starts. */
function tagName(html: string, from: number): string {
  let end = from;
  while (end < html.length && end - from < 32 && /[A-Za-z0-9/!?:-]/.test(html[end]!)) end++;
  const name = html.slice(from, end).toLowerCase();
  return /^[a-z/!?]/.test(name) ? name.replace(/(?!^)\/$/, '') : '';
}

/** After the `>` that ends a tag; quotes may hold others. */
function afterTag(html: string, from: number): number {
  let quote = '';
  for (let at = from; at < html.length; at++) {
    const char = html[at]!;
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '>') return at + 1;
    else if ((char === '"' || char === "'") && html[at - 1] === '=') quote = char;
  }
  return html.length;
}

function afterClosing(html: string, tag: string, from: number): number {
  const pattern = new RegExp(`</${tag}[\\s>/]`, 'gi');
  pattern.lastIndex = from;
  const match = pattern.exec(html);
  if (match !== null) return afterTag(html, match.index + 1);
  // The end tag of a head may be left out, those of scripts and styles may not.
  return rawText.has(tag) ? html.length : from;
}

const entityPattern = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));?/g;
/** Those that mail holds; others stay as written. */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  euro: '€',
  pound: '£',
  yen: '¥',
  cent: '¢',
  sect: '§',
  deg: '°',
  times: '×',
  zwnj: '',
  zwj: '',
  shy: '',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  rarr: '→',
  larr: '←',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  ecirc: 'ê',
  agrave: 'à',
  aacute: 'á',
  acirc: 'â',
  ccedil: 'ç',
  ntilde: 'ñ',
  oacute: 'ó',
  iacute: 'í',
  uacute: 'ú',
  oslash: 'ø',
  aring: 'å',
  aelig: 'æ',
};

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(entityPattern, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return Object.hasOwn(entities, name) ? entities[name]! : whole;
    const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
    const isText = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return isText ? String.fromCodePoint(code) : ' ';
  });
}
