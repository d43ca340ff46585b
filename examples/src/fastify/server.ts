import { serve } from '../shared/serve.js';
import { buildApp } from './app.js';

await serve('Fastify', async ({ uri, host, port }) => {
  const { app, close } = await buildApp({ uri });
  await app.listen({ host, port });
  return { server: app.server, close };
});
