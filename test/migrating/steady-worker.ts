import { parentPort } from 'node:worker_threads';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPersistent } from '@handback/core';
import { threadOf } from './real.js';

/** A thread with a steady connection of its own: tells its number twice, and ends when it is told to. */
const db = createPersistent(databaseUrl());
parentPort?.once('message', () => {
  void db.end();
});
parentPort?.postMessage([await threadOf(db), await threadOf(db)]);
