import type { Scope } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { Problem } from './problems.js';

export async function listUsers(db: Scope) {
  const [users] = await db.query<RowDataPacket[]>('SELECT id, name, email FROM users ORDER BY id');
  return users;
}

export async function findUser(db: Scope, id: string) {
  const user = isId(id) ? await readUser(db, id) : undefined;
  if (!user) throw new Problem(404, 'There is no such user.');
  return user;
}

async function readUser(db: Scope, id: string) {
  const [users] = await db.query<RowDataPacket[]>('SELECT id, name, email FROM users WHERE id = ?', [id]);
  return users[0];
}

/** MySQL compares a number with the leading digits of a string: '7abc' would find user 7. */
function isId(text: string): boolean {
  return /^\d{1,9}$/.test(text);
}
