import express from 'express';
import { createConnection } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';

const app = express();

app.get('/offer', async (_req, res) => {
  const connection = await createConnection(setting('DATABASE_URL'));
  try {
    const [products] = await connection.query('SELECT name FROM products WHERE stock > 0');
    await fetch(setting('PRICES_URL'));
    res.json({ products });
  } finally {
    await connection.end();
  }
});

await serve(app);
