import express from 'express';
import { createConnection, createPool } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';
import { workFor } from './work.js';

const uri = setting('DATABASE_URL');
const pool = createPool({ uri, connectionLimit: 5 });
const shared = await createConnection(uri);
shared.on('error', ({ message }) => console.error(`the shared connection: ${message}`)); // else it ends the process
const app = express();

app.get('/shared', async (_req, res) => {
  await shared.query('SELECT 1');
  res.json({});
});

app.post('/checkout', async (_req, res) => {
  const connection = await pool.getConnection();
  try {
    await connection.query('SELECT stock FROM products WHERE id = 1');
    await fetch(setting('PAYMENT_URL'));
    await connection.query('SELECT stock FROM products WHERE id = 1');
    res.json({});
  } finally {
    connection.release();
  }
});

app.get('/products', async (_req, res) => {
  await pool.query('SELECT SLEEP(0.2)');
  res.json({});
});

app.get('/invoice', async (req, res) => {
  await pool.query('SELECT 1');
  workFor(Number(req.query.ms));
  await pool.query('SELECT 1');
  res.json({});
});

await serve(app);
