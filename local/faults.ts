// Faults that a test asks a stand-in for: which request they hit, and whether once or until cleared.
// The gateways ask `take` for each request and act on the answer; tests hold `controls`, in the same process.
// Nothing here reaches the network: there is no control route that a stray client could call.

/** What goes wrong. `drop-reply`, `duplicate` and `delay` execute the request; the other two do not. */
export type Fault =
  /** Executes, then closes the connection instead of answering. */
  | { readonly kind: 'drop-reply' }
  /** Waits before executing, or (`when: 'after'`) between executing and answering. */
  | { readonly kind: 'delay'; readonly ms: number; readonly when?: 'before' | 'after' }
  /** Executes twice and gives the first answer, as a network that repeats a request does. */
  | { readonly kind: 'duplicate' }
  /** Answers a bare HTTP status such as 503, as a proxy in between does. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  /** Answers an error of the service itself, as JSON; `status` is the gateway's usual one unless given. */
  | { readonly kind: 'error-body'; readonly body: unknown; readonly status?: number }

/** A text that occurs in the request, a pattern, or a decision on the parsed request. */
export type Match<Request> = string | RegExp | ((request: Request) => boolean)

export interface Armed<Request> {
  /** Resolves with the request that the fault hit: what a test awaits instead of sleeping. */
  readonly fired: Promise<Request>
}

export interface Faults<Request> {
  /** Hits one request: the next, or the next that matches. Several wait in the order they were asked for. */
  next(...args: [fault: Fault] | [match: Match<Request> | undefined, fault: Fault]): Armed<Request>
  /** Hits every request, or every one that matches, until `clear`. The latest that matches wins. */
  set(fault: Fault, match?: Match<Request>): void
  /** Forgets all faults, also those that were still waiting for their request. */
  clear(): void
}

interface Waiting<Request> {
  readonly matches: (request: Request) => boolean
  readonly fault: Fault
  readonly fire: (request: Request) => void
}

/** `textOf` gives the text that string and pattern matches look at. */
export function createFaults<Request>(textOf: (request: Request) => string): {
  controls: Faults<Request>
  take: (request: Request) => Fault | undefined
} {
  const once: Waiting<Request>[] = []
  const lasting: Waiting<Request>[] = []

  function matcher(match: Match<Request> | undefined): (request: Request) => boolean {
    if (match === undefined) return () => true
    if (typeof match === 'function') return match
    if (typeof match === 'string') return (request) => textOf(request).includes(match)
    // `search` ignores lastIndex, so a pattern with the g flag does not skip every other request.
    return (request) => textOf(request).search(match) !== -1
  }

  const controls: Faults<Request> = {
    next(...args) {
      const [match, fault] = args.length === 1 ? [undefined, args[0]] : args
      const { promise, resolve } = Promise.withResolvers<Request>()
      once.push({ matches: matcher(match), fault, fire: resolve })
      return { fired: promise }
    },
    set(fault, match) {
      lasting.unshift({ matches: matcher(match), fault, fire: () => {} })
    },
    clear() {
      once.length = 0
      lasting.length = 0
    },
  }

  function take(request: Request): Fault | undefined {
    if (once.length === 0 && lasting.length === 0) return undefined
    const index = once.findIndex((waiting) => waiting.matches(request))
    const hit = index === -1 ? lasting.find((waiting) => waiting.matches(request)) : once.splice(index, 1)[0]
    hit?.fire(request)
    return hit?.fault
  }

  return { controls, take }
}
