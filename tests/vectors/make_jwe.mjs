// Writes jwe.json to standard output: npm install jose@4 && node make_jwe.mjs > jwe.json
import { CompactEncrypt } from 'jose'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'

const pem = {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
}

function pair () {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, ...pem })
  return { private_pem: privateKey, public_pem: publicKey }
}

const keys = { server: pair(), client: pair(), client2: pair() }
const answer = JSON.stringify({
  userId: 1000000001, balance: 9999999999, serviceId: '100000000000001', serviceName: '지역 카드',
  cardStatus: 'ACTIVE', isAutoRechargeBeforePayment: true,
  response: { code: '000_000', description: 'Success' }
})

async function seal (text, owner, header = {}, crit) {
  const protectedHeader = { enc: 'A128GCM', alg: 'RSA-OAEP-256', ...header }
  const key = owner instanceof Uint8Array ? owner : createPublicKey(keys[owner].public_pem)
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(protectedHeader).encrypt(key, crit && { crit })
}

// One bit of one part turned over, in the decoded bytes so that the text stays good base64url.
function flip (compact, part) {
  const parts = compact.split('.')
  const raw = Buffer.from(parts[part], 'base64url')
  raw[raw.length >> 1] ^= 1
  parts[part] = raw.toString('base64url')
  return parts.join('.')
}

function replace (compact, part, text) {
  return compact.split('.').map((old, i) => (i === part ? text(old) : old)).join('.')
}

const valid = []
async function good (name, open_with, enc, plaintext) {
  valid.push({ name, open_with, enc, plaintext, compact: await seal(plaintext, open_with, { enc }) })
}
await good('request for the server', 'server', 'A128GCM', '{"cardNo":"9491339400001234"}')
await good('answer with A128GCM', 'client', 'A128GCM', answer)
await good('answer with A256GCM', 'client', 'A256GCM', answer)
await good('answer for the second key', 'client2', 'A128GCM', answer)
await good('answer for the second key with A256GCM', 'client2', 'A256GCM', answer)

const base = await seal(answer, 'client')
const swapped = Buffer.from('{"alg":"RSA-OAEP-256","enc":"A128GCM"}').toString('base64url')
const hostile = [
  ['zip DEF', 'compression is not allowed', await seal(answer, 'client', { zip: 'DEF' })],
  ['alg RSA-OAEP', 'OAEP with SHA-1 is not allowed', await seal(answer, 'client', { alg: 'RSA-OAEP' })],
  ['alg RSA1_5', 'PKCS #1 v1.5 is not allowed', await seal(answer, 'client', { alg: 'RSA1_5' })],
  ['alg dir', 'no key encryption', await seal(answer, randomBytes(16), { alg: 'dir' })],
  ['enc A128CBC-HS256', 'content encryption is not allowed',
    await seal(answer, 'client', { enc: 'A128CBC-HS256' })],
  ['enc A192GCM', 'content encryption is not allowed', await seal(answer, 'client', { enc: 'A192GCM' })],
  ['unknown crit', 'critical extension is not understood',
    await seal(answer, 'client', { crit: ['x-test'], 'x-test': true }, { 'x-test': true })],
  ['tampered tag', 'tag does not match', flip(base, 4)],
  ['truncated tag', 'tag is not 16 bytes', replace(base, 4, t => t.slice(0, 16))],
  ['tampered ciphertext', 'tag does not match', flip(base, 3)],
  ['tampered IV', 'tag does not match', flip(base, 2)],
  ['tampered encrypted key', 'content key does not open', flip(base, 1)],
  ['tampered protected header', 'tag does not match: same members, other order',
    replace(base, 0, () => swapped)],
  ['four parts', 'not five parts', base.split('.').slice(0, 4).join('.')],
  ['six parts', 'not five parts', `${base}.AAAA`],
  // A decoder that skips what it does not know would open the next three.
  ['not base64url', 'foreign characters', replace(base, 3, t => `${t.slice(0, 8)}!!!!${t.slice(8)}`)],
  ['standard base64 alphabet', 'foreign characters',
    replace(base, 1, t => t.replaceAll('-', '+').replaceAll('_', '/'))],
  ['padded base64url', 'padding is not allowed', replace(base, 4, t => `${t}==`)],
  ['wrong recipient', 'sealed for the second client key', await seal(answer, 'client2')],
  ['empty', 'not five parts', '']
].map(([name, refused, compact]) => ({ name, open_with: 'client', refused, compact }))

const made_by = `make_jwe.mjs: npm jose 4 on Node.js ${process.versions.node.split('.')[0]} (OpenSSL)`
process.stdout.write(`${JSON.stringify({ made_by, keys, valid, hostile }, null, 2)}\n`)
