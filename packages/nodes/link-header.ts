/** Cuts at a separator that is outside of `<…>` and of quoted strings. */
function splitOutside(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let from = 0;
  let closer = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (closer !== '') {
      if (char === '\\' && closer === '"') at += 1;
      else if (char === closer) closer = '';
    } else if (char === '"') closer = '"';
    else if (char === '<') closer = '>';
    else if (char === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim());
}

/**
 * The target of the first link with the relation `next` in a `Link` header.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3
 */
export function nextLink(header: string): string | undefined {
  for (const link of splitOutside(header, ',')) {
    const [target = '', ...attributes] = splitOutside(link, ';');
    if (!target.startsWith('<') || !target.endsWith('>')) continue;
    for (const attribute of attributes) {
      const [name = '', ...rest] = attribute.split('=');
      if (name.trim().toLowerCase() !== 'rel') continue;
      const relations = rest.join('=').trim().replaceAll('"', '').toLowerCase().split(/\s+/);
      if (relations.includes('next')) return target.slice(1, -1).trim();
    }
  }
  return undefined;
}
