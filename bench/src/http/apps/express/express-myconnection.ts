import { createRequire } from 'node:module';
import express, { type RequestHandler } from 'express';
import mysql, { type PoolConnection } from 'mysql2';
import { ONE } from '../../work.js';
import { threeQueries } from '../three-queries.js';
import { listening } from './listening.js';

type MyConnection = (driver: typeof mysql, options: object, strategy: 'pool') => RequestHandler;
/** It has no types of its own. */
const myConnection = createRequire(import.meta.url)('express-myconnection') as MyConnection;

type Connected = { getConnection(done: (error: Error | null, connection: PoolConnection) => void): void };

/** Its strategy 'pool', with mysql2 in the place of the driver it was written for. */
export function start(uri: string) {
  const app = express();
  app.use(myConnection(mysql, { uri }, 'pool'));
  app.get('/one/:id', (req, res, next) => {
    (req as unknown as Connected).getConnection((error, connection) => {
      if (error) return next(error);
      connection.query(ONE, [req.params.id], (failed, rows) => {
        if (failed) next(failed);
        else res.json((rows as unknown[])[0]);
      });
    });
  });
  app.get('/three/:id', (req, res, next) => {
    (req as unknown as Connected).getConnection((error, connection) => {
      if (error) return next(error);
      threeQueries(connection, req.params.id, (failed, rows) => {
        if (failed) next(failed);
        else res.json(rows);
      });
    });
  });
  // Its pool can't be reached: it ends with the process.
  return listening(app, () => {});
}
