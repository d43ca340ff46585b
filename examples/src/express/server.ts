import { once } from 'node:events';
import { serve } from '../shared/serve.js';
import { closed } from '../shared/shutdown.js';
import { buildApp } from './app.js';

await serve('Express', async ({ uri, host, port }) => {
  const { app, close } = buildApp({ uri });
  const server = app.listen(port, host);
  await once(server, 'listening');
  return { server, close: () => closed(server).then(close) };
});
