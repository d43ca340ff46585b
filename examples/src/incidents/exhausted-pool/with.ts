import handback from '@handback/express';
import express from 'express';
import { statsOf } from '../../shared/stats.js';
import { serve, setting } from '../stage/serve.js';

const db = handback({ uri: setting('DATABASE_URL'), max: 10, acquireTimeoutMs: 1_000 });
const app = express();
app.use(db);

app.post('/checkout/:product', async (req, res) => {
  await req.db.transaction(async (tx) => {
    await tx.query('UPDATE products SET stock = stock - 1 WHERE id = ?', [req.params.product]);
    await fetch(setting('PAYMENT_URL'));
  });
  res.json({});
});

app.get('/report', async (req, res) => {
  await req.db.query('SELECT SLEEP(20)');
  res.json({});
});

app.get('/products/:id', async (req, res) => {
  const [rows] = await req.db.query('SELECT * FROM products WHERE id = ?', [req.params.id]);
  res.json(rows);
});

/** For the operator, and the doctor. */
app.get('/stats', handback.off(), (_req, res) => {
  res.json(statsOf(db.pool));
});

await serve(app);
