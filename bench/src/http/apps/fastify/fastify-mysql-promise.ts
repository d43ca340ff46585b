import mysql, { type MySQLPromisePool } from '@fastify/mysql';
import fastify from 'fastify';
import type { RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { type ById, listening } from './listening.js';

/** Its documented way with `promise: true`: a connection, the statements, `connection.release()`. */
export async function start(uri: string) {
  const app = fastify();
  await app.register(mysql, { promise: true, connectionString: uri });
  const db = (app as unknown as { mysql: MySQLPromisePool }).mysql;
  app.get<ById>('/one/:id', async ({ params }) => {
    const connection = await db.getConnection();
    const [rows] = await connection.query<RowDataPacket[]>(ONE, [params.id]);
    connection.release();
    return rows[0];
  });
  app.get<ById>('/three/:id', async ({ params }) => {
    const connection = await db.getConnection();
    const [first] = await connection.query(ONE, [params.id]);
    const [second] = await connection.query(ONE, [params.id]);
    const [third] = await connection.query(ONE, [params.id]);
    connection.release();
    return [first, second, third];
  });
  return listening(app);
}
