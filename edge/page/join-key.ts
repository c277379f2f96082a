// The key of a join that has not been answered: kept until the answer is in, so that a lost reply is asked for again
// under the same key and costs nobody a second place. Two tabs opened together share it. Never holds a token.

const BYTES = 18

/** 144 random bits in 24 URL-safe characters. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

/** The part of the browser's storage that is used. */
export type KeyStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export interface JoinKey {
  /** The key to send now, the same one until `answered`. */
  current(): string
  answered(): void
}

export function openJoinKey(room: string, storage: KeyStorage | undefined): JoinKey {
  const name = `wr-join-${room}`
  let kept: string | undefined
  return {
    current() {
      kept ??= storage?.getItem(name) ?? newKey()
      storage?.setItem(name, kept)
      return kept
    },
    answered() {
      kept = undefined
      storage?.removeItem(name)
    },
  }
}
