// `npm start`: runs the embedded stack in a process group of its own and sees to it that nothing of it is left behind,
// whether it is stopped (Ctrl-C), crashes, or this process is killed. The stack itself is `stack-process.ts`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const STOP_GRACE_MS = 10_000

// A group of its own: Ctrl-C reaches only this process, which asks the stack to stop in order.
const stack = fork(fileURLToPath(new URL('stack-process.ts', import.meta.url)), process.argv.slice(2), {
  detached: true,
})

const killGroup = () => {
  if (stack.pid === undefined) return
  try {
    process.kill(-stack.pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}

let stopping = false
const stop = () => {
  if (stopping) return killGroup()
  stopping = true
  // The stack stops when the channel closes; it does so too when this process is killed.
  if (stack.connected) stack.disconnect()
  setTimeout(killGroup, STOP_GRACE_MS).unref()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

const [code] = (await once(stack, 'exit')) as [number | null]
killGroup()
process.exitCode = stopping ? 0 : (code ?? 1)
