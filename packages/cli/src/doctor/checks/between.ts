import type { Finding } from '../../findings.js';
import type { Picture } from '../picture.js';

/** The checks that a pooling proxy makes meaningless, in words. */
const SWITCHED_OFF =
  'connection-budget, account-limit, idle-timeout, sleepers and connection-rate: the limits that count are those of the proxy';

/** What the figures are about. */
export function whatIsBetween({ between, target }: Pick<Picture, 'between' | 'target'>): Finding[] {
  const { pooling, forwarding } = between;
  if (pooling !== null) {
    return [
      {
        id: 'behind-proxy',
        severity: 'info',
        title: `${target.label} is a proxy that shares the server's connections`,
        evidence: [pooling, `not looked at: ${SWITCHED_OFF}`],
        change:
          "run doctor against the server itself as well, and compare the pools with the proxy's own limits",
      },
    ];
  }
  if (forwarding === null) return [];
  return [
    {
      id: 'forwarded',
      severity: 'info',
      title:
        "something between here and the server passes the connections on (NAT, a balancer, a container's port)",
      evidence: [forwarding, 'hosts and ports that the server knows may be those of what is between'],
    },
  ];
}
