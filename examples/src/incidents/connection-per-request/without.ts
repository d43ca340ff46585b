import express from 'express';
import { createConnection } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';

const app = express();

app.get('/search', async (_req, res) => {
  const connection = await createConnection(setting('DATABASE_URL'));
  try {
    await connection.query('SELECT SLEEP(?)', [Number(setting('STATEMENT_S'))]);
    res.json({});
  } finally {
    await connection.end();
  }
});

await serve(app);
