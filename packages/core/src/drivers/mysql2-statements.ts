import type { RawConnection } from '../driver.js';
import type { DriverConfig } from './mysql2-config.js';
import { internals } from './mysql2-internals.js';

/** The least that the driver takes. */
const NEXT_TO_NONE = 1;

/**
 * The driver makes room for all prepared statements that a connection may ever have, and most connections have none: it is
 * told of a few, and the room is made when the first comes.
 */
export function withoutRoom(config: DriverConfig, make: () => RawConnection): RawConnection {
  const { maxPreparedStatements } = config;
  // What is no number of statements is for the driver to refuse.
  if (!Number.isInteger(maxPreparedStatements) || maxPreparedStatements < NEXT_TO_NONE) return make();
  config.maxPreparedStatements = NEXT_TO_NONE;
  try {
    return make();
  } finally {
    config.maxPreparedStatements = maxPreparedStatements;
  }
}

/** To be called before a statement is prepared. */
export function makeRoom(raw: RawConnection): void {
  const { _statements, config } = internals(raw);
  if (_statements.max < config.maxPreparedStatements) _statements.resize(config.maxPreparedStatements);
}
