import express from 'express';
import { createPool } from 'mysql2';
import { ONE } from '../../work.js';
import { threeQueries } from '../three-queries.js';
import { listening } from './listening.js';

export function start(uri: string) {
  const app = express();
  const pool = createPool(uri);
  app.get('/one/:id', (req, res, next) => {
    pool.query(ONE, [req.params.id], (error, rows) => {
      if (error) next(error);
      else res.json((rows as unknown[])[0]);
    });
  });
  app.get('/three/:id', (req, res, next) => {
    pool.getConnection((error, connection) => {
      if (error) return next(error);
      threeQueries(connection, req.params.id, (failed, rows) => {
        connection.release();
        if (failed) next(failed);
        else res.json(rows);
      });
    });
  });
  return listening(app, () => new Promise((resolve) => pool.end(resolve)));
}
