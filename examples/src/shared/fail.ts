/** Ends the process with one line that says why. */
export function failWith(error: unknown): never {
  console.error(explain(error));
  process.exit(1);
}

function explain(error: unknown): string {
  const { code, port, message, cause } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Choose another one: PORT=${Number(port) + 1}`;
  return cause instanceof Error ? `${message} (${cause.message})` : String(message);
}
