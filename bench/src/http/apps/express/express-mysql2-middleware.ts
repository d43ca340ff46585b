import { getMysql2Middleware, StoreSymbols } from '@fluidware-it/express-mysql2-middleware';
import type { DbClient } from '@fluidware-it/mysql2-client';
import { getAsyncLocalStorage, getAsyncLocalStorageProp } from '@fluidware-it/saddlebag';
import express from 'express';
import { ONE } from '../../work.js';
import { listening } from './listening.js';

function connection() {
  const client = getAsyncLocalStorageProp<DbClient>(StoreSymbols.DB_CLIENT)?.getConnection();
  if (!client) throw new Error('the middleware has left no client in the store');
  return client;
}

/** It opens a connection for each request, and ends it when the response has closed. */
export function start(uri: string) {
  const app = express();
  app.use((_req, _res, next) => getAsyncLocalStorage().run({}, next));
  app.use(getMysql2Middleware({ connectionOptions: { uri }, exitOnConnectionFailure: false }));
  app.get('/one/:id', async (req, res) => {
    const [rows] = await connection().query(ONE, [req.params.id]);
    res.json((rows as unknown[])[0]);
  });
  app.get('/three/:id', async (req, res) => {
    const [first] = await connection().query(ONE, [req.params.id]);
    const [second] = await connection().query(ONE, [req.params.id]);
    const [third] = await connection().query(ONE, [req.params.id]);
    res.json([first, second, third]);
  });
  return listening(app, () => {});
}
