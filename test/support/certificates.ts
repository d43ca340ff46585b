import 'reflect-metadata'; // the library below asks for it
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** For tests, in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  readonly signingKey: webcrypto.CryptoKey;
}

export interface Wanted {
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly alternatives?: readonly string[];
  /** It ended yesterday. */
  readonly expired?: boolean;
}

const DAY_MS = 86_400_000;
const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
}

function lifeOf({ expired }: Wanted) {
  const until = Date.now() + (expired ? -DAY_MS : DAY_MS);
  const serialNumber = `01${randomBytes(8).toString('hex')}`;
  return {
    serialNumber,
    notBefore: new Date(until - 2 * DAY_MS),
    notAfter: new Date(until),
    signingAlgorithm,
  };
}

async function inPem(made: X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Promise<Certificate> {
  const key = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return { certificate: made.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
}

/** A certificate that signs itself, to sign others. */
export async function authority(commonName: string): Promise<Authority> {
  const keys = await newKeys();
  const made = await X509CertificateGenerator.createSelfSigned({
    ...lifeOf({ commonName }),
    name: [{ CN: [commonName] }],
    keys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return { ...(await inPem(made, keys)), signingKey: keys.privateKey };
}

export async function signedBy(issuer: Authority, wanted: Wanted): Promise<Certificate> {
  const { commonName, alternatives = [] } = wanted;
  const keys = await newKeys();
  const names = alternatives.map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const made = await X509CertificateGenerator.create({
    ...lifeOf(wanted),
    subject: [{ CN: [commonName] }],
    issuer: new X509Certificate(issuer.certificate).subject,
    publicKey: keys.publicKey,
    signingKey: issuer.signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return inPem(made, keys);
}
