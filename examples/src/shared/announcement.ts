/** What the terminal shows once the demo is up. */
export function announcement(framework: string, url: string): string {
  return `
The Handback demo on ${framework}: ${url}

  curl ${url}/users/1
  curl ${url}/transfers -H 'Content-Type: application/json' -d '{"from":1,"to":2,"amount":10}'
  curl ${url}/accounts/total
  curl '${url}/slow?ms=2000'
  curl -s ${url}/export | tail -1
  curl ${url}/stats

Ctrl-C stops it.
`;
}
