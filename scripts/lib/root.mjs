import { fileURLToPath } from 'node:url';

/** The top of the repository; every command runs from here. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
