import express from 'express';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { listening } from './listening.js';

/** What the others are compared with: `pool.query`, and `getConnection` with `release` in a `finally`. */
export function start(uri: string) {
  const app = express();
  const pool = createPool(uri);
  app.get('/one/:id', async (req, res) => {
    const [rows] = await pool.query<RowDataPacket[]>(ONE, [req.params.id]);
    res.json(rows[0]);
  });
  app.get('/three/:id', async (req, res) => {
    const connection = await pool.getConnection();
    try {
      const [first] = await connection.query(ONE, [req.params.id]);
      const [second] = await connection.query(ONE, [req.params.id]);
      const [third] = await connection.query(ONE, [req.params.id]);
      res.json([first, second, third]);
    } finally {
      connection.release();
    }
  });
  return listening(app, () => pool.end());
}
