import { createHash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
[hidden], p:empty { display: none !important; }
body { margin: 0; padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 36rem; margin: 0 auto; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h1:focus { outline: none; }
.about { margin: 0 0 .25rem; opacity: .8; overflow-wrap: anywhere; }
pre, .text { white-space: pre-wrap; overflow-wrap: anywhere; }
pre, dl, details { margin: 1rem 0; padding: 1rem; border: 1px solid GrayText; border-radius: .5rem; }
dt, summary { font-weight: 600; }
summary { cursor: pointer; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.field { margin: 1rem 0; }
label { display: block; margin-bottom: .25rem; font-weight: 600; overflow-wrap: anywhere; }
.hint, .check { font-weight: 400; opacity: .8; }
input, select, textarea { width: 100%; padding: .5rem; font: inherit; border: 1px solid GrayText; border-radius: .375rem; }
input[type=checkbox] { width: auto; margin: 0 .375rem 0 0; }
input[readonly] { border-style: dashed; }
.check { margin-top: .5rem; }
textarea { min-height: 5rem; }
.error { margin: .25rem 0 0; font-weight: 600; color: light-dark(#b00020, #ff8a80); overflow-wrap: anywhere; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { padding: .625rem 1.5rem; font: inherit; font-weight: 600; border-radius: .375rem; border: 2px solid #14691f; background: #14691f; color: #fff; cursor: pointer; }
button.reject { border-color: light-dark(#b00020, #ff8a80); background: Canvas; color: light-dark(#b00020, #ff8a80); }
[aria-busy=true] button { opacity: .6; cursor: progress; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
`;

/** How a policy names a text that stands in the page itself. */
export function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** What is sent with a page. Its policy: nothing but its own style and what is named besides; no image, no frame, no other address. */
export function pageHeaders(...allowed: string[]) {
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    ...allowed,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'cache-control': 'no-store',
    'content-security-policy': policy.join('; '),
    // The address is a right to do something: it must not reach other sites or indexes.
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
  };
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The document around a page's content. @param script its text, which the policy must allow by its hash. */
export function page(title: string, content: string, script?: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${content}
</main>
${script === undefined ? '' : `<script type="module">${script}</script>\n`}</body>
</html>
`;
}

/** A page that only says something. */
export function messagePage(title: string, text: string): string {
  return page(title, `<h1>${escaped(title)}</h1>\n<p>${escaped(text)}</p>`);
}
