import { readFile } from 'node:fs/promises';
import type { AppTask } from '../../types.js';

export interface Address {
  host: string;
  port: number;
  user: string;
  database: string;
}

export function addressOf({ databaseUrl }: AppTask): Address {
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  return {
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    database: pathname.slice(1),
  };
}

export async function readPassword({ passwordFile }: AppTask): Promise<string> {
  return (await readFile(passwordFile, 'utf8')).trim();
}
