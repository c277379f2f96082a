// Free loopback ports. A port found free may be lost before it is used; whoever binds it then says so.
import { createServer } from 'node:net'

/** Whether nothing listens on the port now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

/** `wanted` if it is free, else the next free one of the hundred after it. */
export async function nextFreePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 100; port += 1) if (await isFree(port)) return port
  throw new Error(`no free port from ${wanted} to ${wanted + 99}: set PORT to one that is`)
}
