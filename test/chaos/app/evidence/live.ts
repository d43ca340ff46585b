interface Live {
  request: string;
  /** It has been answered, or its client has left: from then on its pool may take the connection back at any time. */
  isOver: () => boolean;
}

/** I1: which live request a connection serves. A request is live from its first answer to the end of its own work. */
export class LiveRequests {
  readonly #serves = new Map<string, Live>();

  /** @returns the other live request that this connection serves already */
  enter(connection: string, request: string, isOver: () => boolean): string | undefined {
    const other = this.#serves.get(connection);
    this.#serves.set(connection, { request, isOver });
    return other && other.request !== request && !other.isOver() ? other.request : undefined;
  }

  leave(connection: string, request: string): void {
    if (this.#serves.get(connection)?.request === request) this.#serves.delete(connection);
  }

  get size(): number {
    return this.#serves.size;
  }
}
