import mysql, { type AuthPlugin, type ConnectionOptions } from 'mysql2';

type Factory = (options: { onServerPublicKey(): void }) => AuthPlugin;

/** The driver's own makers of plugins. */
const { authPlugins } = mysql as unknown as {
  authPlugins: { caching_sha2_password: Factory; sha256_password: Factory };
};

/**
 * Plugins that send the password encrypted with a key of the server's: whoever stands between could send one of his own. On
 * this machine nobody does; over TLS and a socket file they ask for no key.
 */
export const PRIVATE_LOGIN: NonNullable<ConnectionOptions['authPlugins']> = {
  caching_sha2_password: onlyHere(authPlugins.caching_sha2_password),
  sha256_password: onlyHere(authPlugins.sha256_password),
};

function onlyHere(factory: Factory): AuthPlugin {
  return (metadata) => {
    const { stream } = metadata.connection as unknown as { stream?: { remoteAddress?: string } };
    const isHere = /^(?:::ffff:)?127\.|^::1$/.test(stream?.remoteAddress ?? '');
    const onServerPublicKey = () => {
      if (!isHere)
        throw new Error(
          'the server asks for the password itself, on a connection that others may read: it was not sent; use TLS (?ssl=true in the url)',
        );
    };
    return factory({ onServerPublicKey })(metadata);
  };
}
