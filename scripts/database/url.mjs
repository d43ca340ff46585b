const example = 'mysql://user:password@127.0.0.1:3306/';

/**
 * @param {string} text the value of HANDBACK_DATABASE_URL
 * @returns {URL} of the server: a schema in it is left out, since only schemas of our own are touched
 */
export function parseServerUrl(text) {
  // Never the text itself in a message: it has a password in it.
  if (!URL.canParse(text)) throw new Error(`HANDBACK_DATABASE_URL is not a URL; it looks like ${example}`);
  const url = new URL(text);
  if (url.protocol !== 'mysql:' || !url.hostname) {
    throw new Error(`HANDBACK_DATABASE_URL must begin with mysql:// and name a host, like ${example}`);
  }
  url.pathname = '/';
  return url;
}

/** Says what went wrong with a server, and never its password. @param {string} url @param {unknown} error */
export function clientErrorMessage(url, error) {
  const { username, password, host } = new URL(url);
  const { code, message } = /** @type {{ code?: string, message?: string }} */ (error);
  const reason = message || code || String(error);
  const text = `Cannot use the database server mysql://${username}@${host}: ${reason}`;
  return withoutPassword(text, password);
}

/** @param {string} text @param {string} password as it stands in the url */
function withoutPassword(text, password) {
  if (!password) return text;
  let plain = password;
  try {
    plain = decodeURIComponent(password);
  } catch {
    // not encoded correctly: then it can only appear as it is
  }
  return text.replaceAll(password, '***').replaceAll(plain, '***');
}
