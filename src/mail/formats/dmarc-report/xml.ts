/**
 * Reads XML of strangers into a plain tree.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `nestingMax` elements deep. The caller bounds the bytes.
 * Invariant: no entity is ever expanded but XML's own five and numbers: what declares a document type is refused. Never
 *            throws.
 */

import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** Children by name, without prefixes; what stands once and what stands often is the same: a list. */
export interface XmlElement {
  readonly [name: string]: readonly (XmlElement | string)[];
}

export const nestingMax = 20;

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  trimValues: true,
  maxNestedTags: nestingMax,
  isArray: () => true,
});

/** The root's children; undefined: it is no XML, or has another root. */
export function readXml(text: string, root: string): XmlElement | undefined {
  // A document type may stand before the root alone; anywhere, it is not XML that reports are made of.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return undefined;
  try {
    if (XMLValidator.validate(text) !== true) return undefined;
    const tree = parser.parse(text) as XmlElement;
    const [found] = tree[root] ?? [];
    return typeof found === 'object' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** The first child of a name; an empty one where there is none. */
export function childOf(element: XmlElement, name: string): XmlElement {
  const found = childrenOf(element, name)[0];
  return typeof found === 'object' ? found : {};
}

export function childrenOf(element: XmlElement, name: string): readonly (XmlElement | string)[] {
  const found = Object.hasOwn(element, name) ? element[name] : undefined;
  return Array.isArray(found) ? found : [];
}
