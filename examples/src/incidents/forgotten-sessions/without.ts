import express from 'express';
import { createPool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';

// Each handler opens a session and closes it on its last line: the line that an early return, or an error, never reaches.
const pool = createPool({ uri: setting('DATABASE_URL'), connectionLimit: 10 });
const app = express();
app.use(express.json());

app.get('/products/:id', async (req, res) => {
  const session = await pool.getConnection();
  const [rows] = await session.query<RowDataPacket[]>('SELECT * FROM products WHERE id = ?', [req.params.id]);
  if (!rows[0]) {
    res.status(404).json({ error: 'no such product' });
    return;
  }
  res.json(rows[0]);
  session.release();
});

app.post('/orders', async (req, res) => {
  const { id, product } = req.body;
  const session = await pool.getConnection();
  await session.beginTransaction();
  await session.query('UPDATE products SET stock = stock - 1 WHERE id = ?', [product]);
  await session.query('INSERT INTO orders VALUES (?, ?)', [id, product]);
  await session.commit();
  res.json({ id });
  session.release();
});

/** A task of the job queue; a request starts it here, so that its end can be seen. */
async function reprice(product: number): Promise<number> {
  const session = await pool.getConnection();
  const [{ affectedRows }] = await session.query<ResultSetHeader>(
    'UPDATE products SET stock = 100 WHERE id = ?',
    [product],
  );
  if (affectedRows === 0) throw new Error('nothing to reprice');
  session.release();
  return affectedRows;
}

app.post('/jobs/reprice', async (req, res) => {
  res.json({ repriced: await reprice(req.body.product) });
});

await serve(app);
