import express from 'express';
import { createPool } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';

// mysql2 knows no deadline for a wait: a limit to how many may wait is what there is.
const pool = createPool({ uri: setting('DATABASE_URL'), connectionLimit: 10, queueLimit: 10 });
const app = express();

app.post('/checkout/:product', async (req, res) => {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    await connection.query('UPDATE products SET stock = stock - 1 WHERE id = ?', [req.params.product]);
    await fetch(setting('PAYMENT_URL'));
    await connection.commit();
    res.json({});
  } finally {
    connection.release();
  }
});

app.get('/report', async (_req, res) => {
  await pool.query('SELECT SLEEP(20)');
  res.json({});
});

app.get('/products/:id', async (req, res) => {
  const [rows] = await pool.query('SELECT * FROM products WHERE id = ?', [req.params.id]);
  res.json(rows);
});

await serve(app);
