import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export type DocsOptions = {
  document: object;
  title: string;
  /** An absolute URL of an image; shown above both pages, and the only thing that may come from elsewhere. */
  logoUrl?: string | undefined;
  /** The pages' main colour, as `#rrggbb`. */
  color?: string | undefined;
};

/** Everything but the logo comes from this origin. Both pages write <style> elements and inline images, Redoc searches in a blob worker. */
function policyOf({ logoUrl }: DocsOptions): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data:${logoUrl ? ` ${new URL(logoUrl).origin}` : ''}`,
    "font-src 'self' data:",
    "connect-src 'self'",
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (char) => escapes[char] ?? char);
}

function page(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
${body}
</body>
</html>
`;
}

/** Black or white, whichever stands out more: the channels weighed as in ITU-R BT.601. */
function textOn(color: string): string {
  const channel = (from: number) => Number.parseInt(color.slice(from, from + 2), 16);
  return 0.299 * channel(1) + 0.587 * channel(3) + 0.114 * channel(5) > 150 ? '#000000' : '#ffffff';
}

/** A band of the colour with the logo and title, as Swagger UI has none without its top bar. */
function band({ title, logoUrl, color }: DocsOptions): string {
  if (!logoUrl && !color) return '';
  const image = logoUrl ? `<img src="${escapeHtml(logoUrl)}" alt="" style="height: 2rem">` : '';
  const style = `display: flex; gap: 1rem; align-items: center; padding: .75rem 1.25rem; font: 600 1.25rem sans-serif; ${
    color ? `background: ${color}; color: ${textOn(color)}` : ''
  }`;
  return `<header style="${escapeHtml(style)}">${image}<span>${escapeHtml(title)}</span></header>\n`;
}

function swaggerPage(options: DocsOptions): string {
  return page(
    options.title,
    '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
    `${band(options)}<div id="docs"></div>\n<script src="/docs/assets/swagger-ui-bundle.js"></script>\n<script src="/docs/start.js"></script>`,
  );
}

const swaggerStart = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null, tryItOutEnabled: true, displayRequestDuration: true,
  persistAuthorization: false, filter: true, docExpansion: 'list',
});
`;

function redocPage(title: string): string {
  return page(
    `${title} reference`,
    '<style>body { margin: 0 }</style>',
    '<div id="docs"></div>\n<script src="/redoc/assets/redoc.standalone.js"></script>\n<script src="/redoc/start.js"></script>',
  );
}

function redocStart({ color }: DocsOptions): string {
  const theme = color ? { theme: { colors: { primary: { main: color } } } } : {};
  return `Redoc.init('/openapi.json', ${JSON.stringify(theme)}, document.getElementById('docs'));\n`;
}

type Text = { type: string; text: string; policy: string };

/** A route for a text that never changes while the server runs: revalidated by its tag, so that an upgrade shows at once. */
function serveText(app: FastifyInstance, url: string, { type, text, policy }: Text): void {
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  app.get(url, { exposeHeadRoute: true }, (request: FastifyRequest, reply: FastifyReply) => {
    reply.headers({
      etag,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'content-security-policy': policy,
    });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(text);
  });
}

function serveFiles(app: FastifyInstance, prefix: string, { root, files }: { root: string; files: string[] }): void {
  const paths = files.map((file) => `/${file}`);
  app.register(fastifyStatic, {
    root,
    prefix,
    decorateReply: false,
    index: false,
    allowedPath: (path) => paths.includes(path),
    maxAge: '1d',
    setHeaders: (response) => response.header('x-content-type-options', 'nosniff'),
  });
}

/**
 * Serves the document as `/openapi.json` and shows it at `/docs` (Swagger UI) and `/redoc` (Redoc), everything from this
 * server and under a content security policy that lets nothing else in but the logo.
 *
 * @throws Error for a colour that is not written as `#rrggbb`, and a logo's URL that is none.
 */
export function registerDocs(app: FastifyInstance, options: DocsOptions): void {
  const { document, title, color } = options;
  if (color && !/^#[0-9a-f]{6}$/i.test(color)) throw new Error(`Not a colour as #rrggbb: ${color}`);
  const policy = policyOf(options);
  const require = createRequire(import.meta.url);
  const html = 'text/html; charset=utf-8';
  const script = 'text/javascript; charset=utf-8';
  serveText(app, '/openapi.json', { policy, type: 'application/json; charset=utf-8', text: JSON.stringify(document) });
  serveText(app, '/docs', { policy, type: html, text: swaggerPage(options) });
  serveText(app, '/docs/start.js', { policy, type: script, text: swaggerStart });
  serveText(app, '/redoc', { policy, type: html, text: redocPage(title) });
  serveText(app, '/redoc/start.js', { policy, type: script, text: redocStart(options) });
  const swagger = dirname(require.resolve('swagger-ui-dist/package.json'));
  serveFiles(app, '/docs/assets/', { root: swagger, files: ['swagger-ui.css', 'swagger-ui-bundle.js'] });
  const redoc = join(dirname(require.resolve('redoc/package.json')), 'bundles');
  serveFiles(app, '/redoc/assets/', { root: redoc, files: ['redoc.standalone.js'] });
}
