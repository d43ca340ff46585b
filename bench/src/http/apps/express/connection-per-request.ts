import express from 'express';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { listening } from './listening.js';

/** No pool: each request opens one connection and ends it. */
export function start(uri: string) {
  const app = express();
  app.get('/one/:id', async (req, res) => {
    const connection = await createConnection(uri);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(ONE, [req.params.id]);
      res.json(rows[0]);
    } finally {
      await connection.end();
    }
  });
  return listening(app, () => {});
}
