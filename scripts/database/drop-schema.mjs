/** The guardian's last command when the database is somebody's own server. */
import { dropSchema } from './schema.mjs';

try {
  await dropSchema(process.env.HANDBACK_DROP_SERVER ?? '', process.env.HANDBACK_DROP_SCHEMA ?? '');
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
