// One turn after another, never two at once, each after the pause that the last one asked for. Used by `waiting.ts`.

/** The pause in ms, or undefined where nothing follows by itself. */
export type Pause = number | undefined

export interface Loop {
  /** The next turn now; nothing while one runs, which then sets the pause itself. */
  run(): void
  /** No turn by itself any more. */
  stop(): void
  /** When the turn that runs has ended. */
  settled(): Promise<void>
}

export function openLoop(
  turn: () => Promise<Pause>,
  after: (waitMs: number, callback: () => void) => () => void,
): Loop {
  let running: Promise<void> | undefined
  let cancel: (() => void) | undefined
  function run(): void {
    if (running !== undefined) return
    cancel?.()
    running = turn().then((pauseMs) => {
      running = undefined
      if (pauseMs !== undefined) cancel = after(pauseMs, run)
    })
  }
  return { run, stop: () => cancel?.(), settled: () => running ?? Promise.resolve() }
}
