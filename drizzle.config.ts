// `npx drizzle-kit generate` makes a migration from src/db; `local/migrate.ts` applies them, as does a deployment.
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/db/halls.ts', './src/db/orders.ts'],
  out: './migrations',
})
