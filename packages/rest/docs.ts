import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

// Everything comes from this origin. Both pages write <style> elements and inline images, Redoc searches in a blob worker.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

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

function swaggerPage(title: string): string {
  return page(
    title,
    '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
    '<div id="docs"></div>\n<script src="/docs/assets/swagger-ui-bundle.js"></script>\n<script src="/docs/start.js"></script>',
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

const redocStart = `Redoc.init('/openapi.json', { hideDownloadButton: false }, document.getElementById('docs'));
`;

/** A route for a text that never changes while the server runs: revalidated by its tag, so that an upgrade shows at once. */
function serveText(app: FastifyInstance, url: string, { type, text }: { type: string; text: string }): void {
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
 * server and under a content security policy that lets nothing else in.
 */
export function registerDocs(app: FastifyInstance, options: { document: object; title: string }): void {
  const { document, title } = options;
  const require = createRequire(import.meta.url);
  const html = 'text/html; charset=utf-8';
  const script = 'text/javascript; charset=utf-8';
  serveText(app, '/openapi.json', { type: 'application/json; charset=utf-8', text: JSON.stringify(document) });
  serveText(app, '/docs', { type: html, text: swaggerPage(title) });
  serveText(app, '/docs/start.js', { type: script, text: swaggerStart });
  serveText(app, '/redoc', { type: html, text: redocPage(title) });
  serveText(app, '/redoc/start.js', { type: script, text: redocStart });
  const swagger = dirname(require.resolve('swagger-ui-dist/package.json'));
  serveFiles(app, '/docs/assets/', { root: swagger, files: ['swagger-ui.css', 'swagger-ui-bundle.js'] });
  const redoc = join(dirname(require.resolve('redoc/package.json')), 'bundles');
  serveFiles(app, '/redoc/assets/', { root: redoc, files: ['redoc.standalone.js'] });
}
