/**
 * Walks HTML as it comes in mail, tags and text, without building a tree: for links and plain text, never for showing.
 *
 * Runs in:   sink; pure.
 * Specs:     HTML §13.2 (tokenization, the part that attributes and text need).
 * Limits:    `attributesMax` attributes of a tag are read. The time is linear in the length.
 */

export type HtmlPiece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'tag';
      /** In lower case. */
      readonly name: string;
      readonly isEnd: boolean;
      readonly attributes: ReadonlyMap<string, string>;
    };

const attributesMax = 100;
/** Their content is not text. */
const rawTags = new Set(['script', 'style', 'title', 'textarea', 'noscript', 'template']);
const blockTags = new Set(['p', 'div', 'br', 'tr', 'li', 'table', 'h1', 'h2', 'h3', 'h4', 'td']);
const namePattern = /[a-z][^\s/>]*/iy;
const attributePattern = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/y;

export function* scanHtml(html: string): Generator<HtmlPiece> {
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open === -1 || open > at) {
      yield { kind: 'text', text: decodeEntities(html.slice(at, open === -1 ? undefined : open)) };
      if (open === -1) return;
    }
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4);
      if (end === -1) return;
      at = end + 3;
      continue;
    }
    const isEnd = html[open + 1] === '/';
    namePattern.lastIndex = open + (isEnd ? 2 : 1);
    const name = namePattern.exec(html)?.[0].toLowerCase();
    if (name === undefined) {
      // A doctype or a bogus comment goes up to the next ">"; any other "<" is text.
      const isComment = html[open + 1] === '!' || html[open + 1] === '?' || isEnd;
      const end = isComment ? html.indexOf('>', open) : open;
      if (!isComment) yield { kind: 'text', text: '<' };
      at = end === -1 ? html.length : end + 1;
      continue;
    }
    const tag = readAttributes(html, namePattern.lastIndex);
    yield { kind: 'tag', name, isEnd, attributes: tag.attributes };
    at = tag.end;
    if (!isEnd && rawTags.has(name)) at = endOfRaw(html, name, at);
  }
}

/** The text a reader would see, roughly; blocks begin on lines of their own. */
export function htmlText(html: string): string {
  let text = '';
  for (const piece of scanHtml(html)) {
    if (piece.kind === 'text') text += piece.text;
    else if (blockTags.has(piece.name)) text += '\n';
  }
  return text
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

function readAttributes(
  html: string,
  from: number,
): { readonly attributes: ReadonlyMap<string, string>; readonly end: number } {
  const attributes = new Map<string, string>();
  let at = from;
  while (attributes.size < attributesMax) {
    attributePattern.lastIndex = at;
    const match = attributePattern.exec(html);
    if (match === null) break;
    at = attributePattern.lastIndex;
    const name = match[1]!.toLowerCase();
    // HTML §13.2.5.33: the first of two equal names counts.
    if (!attributes.has(name)) {
      attributes.set(name, decodeEntities(match[2] ?? match[3] ?? match[4] ?? ''));
    }
  }
  const end = html.indexOf('>', at);
  return { attributes, end: end === -1 ? html.length : end + 1 };
}

function endOfRaw(html: string, name: string, from: number): number {
  const pattern = new RegExp(`</${name}[\\s/>]`, 'gi');
  pattern.lastIndex = from;
  return pattern.exec(html)?.index ?? html.length;
}

const entities: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', zwnj: '', zwj: '', shy: '' },
  ...{ copy: '©', reg: '®', hellip: '…', mdash: '—', ndash: '–', rsquo: '’', lsquo: '‘' },
  ...{ ldquo: '“', rdquo: '”', euro: '€', bull: '•', middot: '·', colon: ':', sol: '/', tab: '' },
};

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
      const point = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
      return point > 0 && point <= 0x10_ffff ? String.fromCodePoint(point) : '\ufffd';
    },
  );
}
