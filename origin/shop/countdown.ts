// Counts a hold down: shown every second, spoken only at 5, 2 and 1 minutes and 30 seconds (WCAG 2.2.1). Used by the cart.

const SPOKEN_SECONDS = [300, 120, 60, 30] as const

export interface Countdown {
  stop(): void
}

export function countDown(
  endsAtMs: number,
  {
    show,
    speak,
    ended,
  }: {
    readonly show: (seconds: number) => void
    readonly speak: (seconds: number) => void
    readonly ended: () => void
  },
): Countdown {
  let last = (endsAtMs - Date.now()) / 1_000
  function tick(): void {
    const seconds = (endsAtMs - Date.now()) / 1_000
    show(Math.max(0, seconds))
    // A tab that slept may pass several at once: only the nearest is still true.
    const passed = SPOKEN_SECONDS.findLast((mark) => last > mark && seconds <= mark)
    if (passed !== undefined && seconds > 0) speak(passed)
    last = seconds
    if (seconds > 0) return
    clearInterval(timer)
    ended()
  }
  const timer = setInterval(tick, 1_000)
  show(Math.max(0, last))
  return { stop: () => clearInterval(timer) }
}
