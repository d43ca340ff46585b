import handback from '@handback/express';
import express from 'express';
import { statsOf } from '../../shared/stats.js';
import { serve, setting } from '../stage/serve.js';

const db = handback({ uri: setting('DATABASE_URL'), max: 28, acquireTimeoutMs: 15_000 });
const app = express();
app.use(db);

app.get('/offer', async (req, res) => {
  const [products] = await req.db.query('SELECT name FROM products WHERE stock > 0');
  await fetch(setting('PRICES_URL'));
  res.json({ products });
});

/** For the operator, and the doctor. */
app.get('/stats', handback.off(), (_req, res) => {
  res.json(statsOf(db.pool));
});

await serve(app);
