import { failWith } from './fail.js';
import { seed } from './seed.js';
import { readDatabaseUrl } from './settings.js';

// DATABASE_URL=mysql://… node examples/dist/shared/seed-cli.js
try {
  await seed(readDatabaseUrl(process.env));
} catch (error) {
  failWith(error);
}
