import handback, { type Scope } from '@handback/express';
import express from 'express';
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { statsOf } from '../../shared/stats.js';
import { serve, setting } from '../stage/serve.js';

// The same handlers. There is no session to close; the job is a function of its pool, and ends when it has settled.
const db = handback({ uri: setting('DATABASE_URL'), max: 10 });
const app = express();
app.use(db);
app.use(express.json());

app.get('/products/:id', async (req, res) => {
  const [rows] = await req.db.query<RowDataPacket[]>('SELECT * FROM products WHERE id = ?', [req.params.id]);
  if (!rows[0]) {
    res.status(404).json({ error: 'no such product' });
    return;
  }
  res.json(rows[0]);
});

app.post('/orders', async (req, res) => {
  const { id, product } = req.body;
  await req.db.beginTransaction();
  await req.db.query('UPDATE products SET stock = stock - 1 WHERE id = ?', [product]);
  await req.db.query('INSERT INTO orders VALUES (?, ?)', [id, product]);
  await req.db.commit();
  res.json({ id });
});

async function reprice(session: Scope, product: number): Promise<number> {
  const [{ affectedRows }] = await session.query<ResultSetHeader>(
    'UPDATE products SET stock = 100 WHERE id = ?',
    [product],
  );
  if (affectedRows === 0) throw new Error('nothing to reprice');
  return affectedRows;
}

app.post('/jobs/reprice', handback.off(), async (req, res) => {
  const job = (session: Scope) => reprice(session, req.body.product);
  res.json({ repriced: await db.pool.run(job, { name: 'job reprice' }) });
});

/** For the operator, and the doctor. */
app.get('/stats', handback.off(), (_req, res) => {
  res.json(statsOf(db.pool));
});

await serve(app);
