// What the tabs of one visitor tell each other: they share one cookie, hence one place. Opened by `queue.ts`, used by
// `waiting.ts`. Without BroadcastChannel a tab still finds in the storage, at its next turn, that its place was given up.

import type { KeyStorage } from './join-key.ts'
import { fieldsOf, type Held, readHeld } from './room-data.ts'

export type News =
  | { readonly is: 'joined'; readonly held: Held }
  | { readonly is: 'left'; readonly place: number }
  /** The pass is in a cookie, which is this tab's as well. */
  | { readonly is: 'admitted' }

export interface Tabs {
  /** Tells the other tabs, never this one. */
  tell(news: News): void
  hear(listener: (news: News) => void): void
  /** True when that place was given up in any tab, also while this one was frozen and heard nothing. */
  hasLeft(place: number): boolean
}

export function openTabs(room: string, storage: KeyStorage | undefined): Tabs {
  const left = `wr-left-${room}`
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`wr-${room}`) : undefined
  return {
    tell(news) {
      if (news.is === 'left') storage?.setItem(left, String(news.place))
      if (news.is === 'joined') storage?.removeItem(left)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin by itself
      channel?.postMessage(news)
    },
    hear(listener) {
      channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        const news = readNews(data)
        if (news !== undefined) listener(news)
      })
    },
    hasLeft: (place) => storage?.getItem(left) === String(place),
  }
}

/** The other tab may run another version of this script, so its words are read like any from outside. */
function readNews(value: unknown): News | undefined {
  const { is, held, place } = fieldsOf(value)
  if (is === 'admitted') return { is }
  if (is === 'left') return { is, place: Number(place) }
  const joined = is === 'joined' ? readHeld(held) : undefined
  return joined === undefined ? undefined : { is: 'joined', held: joined }
}
