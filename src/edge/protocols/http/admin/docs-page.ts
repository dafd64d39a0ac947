/**
 * `/api/docs`: the OpenAPI document as a page, by Swagger UI out of our own files.
 *
 * Runs in:   edge (main thread).
 * Specs:     CSP Level 3: scripts, styles and requests of this origin only, nothing inline, no frame around it.
 * Limits:    the files named here and no others; each is read when it is asked for.
 * Invariant: the page has no secret: what is typed into it stays in the browser that shows it.
 */

import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

const path = '/api/docs';
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Beside the entry of the package that brings them. */
const folder = new URL('./static/', import.meta.resolve('@fastify/swagger-ui'));
const files: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Chaski API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#page',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  docExpansion: 'none',
  validatorUrl: null,
});
`;

export function docsPage(app: FastifyInstance): void {
  const config = { access: 'stranger' };
  app.get(path, { config }, async (_request, reply) => {
    reply.header('content-security-policy', policy).header('referrer-policy', 'no-referrer');
    return reply.type('text/html; charset=utf-8').send(page);
  });
  app.get(`${path}/start.js`, { config }, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(start),
  );
  for (const [name, type] of Object.entries(files)) {
    app.get(`${path}/${name}`, { config }, async (_request, reply) =>
      reply.type(type).send(await readFile(new URL(name, folder))),
    );
  }
}
