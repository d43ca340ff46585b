import handback from '@handback/express';
import express from 'express';
import { statsOf } from '../../shared/stats.js';
import { serve, setting } from '../stage/serve.js';

const db = handback({ uri: setting('DATABASE_URL'), max: Number(setting('MAX')), acquireTimeoutMs: 10_000 });
const app = express();
app.use(db);

app.get('/search', async (req, res) => {
  await req.db.query('SELECT SLEEP(0.5)');
  res.json({});
});

/** For the operator, and the doctor. */
app.get('/stats', handback.off(), (_req, res) => {
  res.json(statsOf(db.pool));
});

await serve(app);
