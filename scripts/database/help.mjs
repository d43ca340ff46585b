/** What to do when there is no database at all. @param {string} [reason] why an attempt to get one failed */
export function noServerMessage(reason) {
  return [
    'There is no MariaDB or MySQL server on this machine, and this needs a real one. Any of these helps:',
    '  Debian, Ubuntu:  apt-get install mariadb-server-core',
    '  Fedora:          dnf install mariadb-server',
    '  macOS:           brew install mariadb',
    '  Windows:         install Docker Desktop and start it',
    '  anywhere:        start Docker, or set HANDBACK_DATABASE_URL=mysql://user:password@host:3306/',
    '                   to a server where that user may create databases',
    'The server only has to be installed: a private one is started from it and removed afterwards.',
    ...(reason ? [`(${reason})`] : []),
  ].join('\n');
}
