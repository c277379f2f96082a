// What a piece of work costs the server: its own time and the commands it executed, those inside scripts counted too
// (as Upstash bills them). Read from INFO before and after; the commands and the time of INFO itself are left out, but its
// processor time is not: measure that of no work, and take it off.

import type { Redis as Connection } from 'ioredis'

export interface Cost {
  /** Microseconds from the start of the commands to their end, as the server measured them: pauses of the machine count. */
  readonly serverUs: number
  /** Microseconds of processor time that its main thread took: only work counts. `NaN` where the server does not tell. */
  readonly cpuUs: number
  readonly commands: number
}

interface Stats {
  readonly byCommand: ReadonlyMap<string, { readonly calls: number; readonly us: number }>
  readonly cpuUs: number
}

/** Runs the work; nothing else may use the server meanwhile. */
export async function meter(connection: Connection, work: () => Promise<unknown>): Promise<Cost> {
  const before = await readStats(connection)
  await work()
  return costBetween(before, await readStats(connection))
}

async function readStats(connection: Connection): Promise<Stats> {
  const byCommand = new Map<string, { calls: number; us: number }>()
  const text = await connection.info('commandstats', 'cpu')
  for (const [, name = '', calls, us] of text.matchAll(/^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/gm)) {
    if (name !== 'info' && !name.startsWith('config'))
      byCommand.set(name, { calls: Number(calls), us: Number(us) })
  }
  const seconds = (kind: string) =>
    Number(new RegExp(`^used_cpu_${kind}_main_thread:(\\S+)`, 'm').exec(text)?.[1])
  return { byCommand, cpuUs: (seconds('user') + seconds('sys')) * 1e6 }
}

function costBetween(before: Stats, after: Stats): Cost {
  let commands = 0
  let plainUs = 0
  let scriptUs = 0
  for (const [name, { calls, us }] of after.byCommand) {
    const ran = calls - (before.byCommand.get(name)?.calls ?? 0)
    const took = us - (before.byCommand.get(name)?.us ?? 0)
    commands += ran
    // The time of a script includes that of the commands inside it.
    if (name.startsWith('eval')) scriptUs += took
    else plainUs += took
  }
  return {
    commands,
    serverUs: scriptUs > 0 ? scriptUs : plainUs,
    cpuUs: after.cpuUs - before.cpuUs,
  }
}
