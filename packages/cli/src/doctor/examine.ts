import type { Finding } from '../findings.js';
import type { Session } from '../session.js';

/** How far the server is from its limit. */
export async function examine({ ask }: Session): Promise<Finding[]> {
  const [row] = await ask('SELECT @@max_connections AS max');
  const [status] = await ask("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
  const max = Number(row?.max);
  const connected = Number(status?.Value);
  return [
    {
      id: 'connections-now',
      severity: connected >= max * 0.9 ? 'critical' : connected >= max * 0.75 ? 'warning' : 'ok',
      title: `${connected} of ${max} connections are in use`,
      evidence: [`Threads_connected ${connected}, max_connections ${max}`],
    },
  ];
}
