import express from 'express';
import { createPool } from 'mysql2/promise';
import { serve, setting } from '../stage/serve.js';

// One of many such processes. Its own pool looks small.
const pool = createPool({ uri: setting('DATABASE_URL'), connectionLimit: Number(setting('MAX')) });
const app = express();

app.get('/search', async (_req, res) => {
  await pool.query('SELECT SLEEP(0.5)');
  res.json({});
});

await serve(app);
