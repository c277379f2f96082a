// `npm run keygen`: prints fresh secrets for a deployment, one JSON object a Worker, as `wrangler secret bulk` reads them.
import { makeSecrets } from './secrets.ts'

const { ADMISSION_JWKS, TICKET_KEYS, ADMIN_TOKEN, ...edge } = await makeSecrets()
console.log('Keep each block in a file, add the addresses of your stores, and load it with wrangler:\n')
console.log('edge.json    → npx wrangler secret bulk edge.json -c wrangler.toml')
console.log(JSON.stringify({ ...edge, ADMIN_TOKEN }, undefined, 2))
console.log('\norigin.json  → npx wrangler secret bulk origin.json -c origin/wrangler.toml')
console.log(JSON.stringify({ ADMISSION_JWKS, TICKET_KEYS, ADMIN_TOKEN }, undefined, 2))
