// What a place is worth that was put back while others were still on their way: its order is right, but who was ahead and
// had not come back yet is missing from the count. Used by `waiting.ts`, which shows no number until the token was presented
// once more. Asks nobody anything.

/** Everybody presents it again: spread over this time, and not in its first part, when the last ones are just coming back. */
const CONFIRM_SPREAD_MS = 10_000
const FIRST_SHARE = 0.2

export interface Recovery {
  /** Each snapshot. */
  sees(snapshot: { readonly state: string; readonly epoch: number }): void
  /** The token was presented after the recovery of `epoch` had ended. */
  confirmed(epoch: number): void
  /** How long until the place is presented again; undefined where its count is right, or the recovery still runs. */
  confirmsInMs(epoch: number): number | undefined
  /** The number would be too low. */
  isUnsure(epoch: number): boolean
}

export function startRecovery(steady: { nowMs(): number; random(): number }): Recovery {
  let unsure: { readonly epoch: number; readonly confirmAtMs: number | undefined } | undefined
  return {
    sees({ state, epoch }) {
      if (state === 'recovering') unsure = { epoch, confirmAtMs: undefined }
      else if (unsure?.epoch === epoch && unsure.confirmAtMs === undefined) {
        const share = FIRST_SHARE + (1 - FIRST_SHARE) * steady.random()
        unsure = { epoch, confirmAtMs: steady.nowMs() + share * CONFIRM_SPREAD_MS }
      }
    },
    confirmed(epoch) {
      if (unsure?.epoch === epoch && unsure.confirmAtMs !== undefined) unsure = undefined
    },
    confirmsInMs: (epoch) =>
      unsure?.epoch === epoch && unsure.confirmAtMs !== undefined
        ? unsure.confirmAtMs - steady.nowMs()
        : undefined,
    isUnsure: (epoch) => unsure?.epoch === epoch,
  }
}
