import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** What a certificate is for, and until when. */
export interface CertificateOptions {
  /** DNS names and IPv4 addresses. Default: localhost and 127.0.0.1. */
  readonly names?: readonly string[]
  /** Default: in an hour. */
  readonly expiresAt?: Date
}

/** PEM, as `node:tls` takes them. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** One DER value: tag, length, content (ITU-T X.690, 8.1). */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

const sequence = (...contents: Uint8Array[]): Buffer => der(0x30, ...contents)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bitString = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content)
/** `20261123120000Z` (RFC 5280, 4.1.2.5.2). */
const time = (date: Date): Buffer =>
  der(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`))

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const commonName = oid('550403')
const subjectAltName = oid('551d11')
const basicConstraints = oid('551d13')

/** A new self-signed certificate (RFC 5280), made here because not every machine has openssl. */
export function selfSigned(options: CertificateOptions = {}): Certificate {
  const { names = ['localhost', '127.0.0.1'], expiresAt = new Date(Date.now() + 3_600_000) } = options
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from('http-sessions test')))))
  const altNames = names.map((each) =>
    isIPv4(each) ? der(0x87, Buffer.from(each.split('.').map(Number))) : der(0x82, Buffer.from(each)),
  )
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(time(new Date(expiresAt.getTime() - 7_200_000)), time(expiresAt)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(subjectAltName, der(0x04, sequence(...altNames))),
        sequence(basicConstraints, der(0x04, isAuthority)),
      ),
    ),
  )
  const certificate = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, privateKey)))
  const lines = certificate.toString('base64').match(/.{1,64}/g) as string[]
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
