import handback, { createPersistent } from '@handback/express';
import express from 'express';
import { statsOf } from '../../shared/stats.js';
import { serve, setting } from '../stage/serve.js';
import { workFor } from './work.js';

const uri = setting('DATABASE_URL');
const shared = createPersistent({ uri });
const db = handback({ uri, max: 5 });
const app = express();
app.use(db);

app.get('/shared', handback.off(), async (_req, res) => {
  await shared.query('SELECT 1');
  res.json({});
});

app.post('/checkout', async (req, res) => {
  await req.db.query('SELECT stock FROM products WHERE id = 1');
  await fetch(setting('PAYMENT_URL'));
  await req.db.query('SELECT stock FROM products WHERE id = 1');
  res.json({});
});

app.get('/products', async (req, res) => {
  await req.db.query('SELECT SLEEP(0.2)');
  res.json({});
});

app.get('/invoice', async (req, res) => {
  await req.db.query('SELECT 1');
  workFor(Number(req.query.ms));
  await req.db.query('SELECT 1');
  res.json({});
});

/** For the operator, and the doctor. */
app.get('/stats', handback.off(), (_req, res) => {
  res.json(statsOf(db.pool));
});

await serve(app);
