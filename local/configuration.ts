// What the Workers would say of the variables in both wrangler.toml files, told before they are uploaded: one faulty room
// fails every request of the site. Secrets are not looked at: they are not in the files. Called by `check-config.ts`.

import { findRoomWarnings } from '../edge/room-overlap.ts'
import { readEdgeVars } from '../edge/config.ts'
import { findVarFaults } from '../origin/config.ts'
import type { Room } from '../src/config/room.ts'

export interface Findings {
  /** A deployment with one of these answers no request. */
  readonly faults: readonly string[]
  /** Variables without a default that are still empty: a fault of a deployment, but not of a checkout. */
  readonly unset: readonly string[]
  /** What can hardly be meant; the Workers run with it. */
  readonly warnings: readonly string[]
}

/** `edge` and `origin` are the `vars` of the two files, as wrangler reads them. */
export function checkConfiguration(
  { edge, origin }: { readonly edge: object; readonly origin: object },
  { nowMs }: { readonly nowMs: number },
): Findings {
  const { faults: ofEdge, vars, rooms } = readEdgeVars(edge)
  const ofOrigin = findVarFaults(origin)
  const unset = ofOrigin.filter((fault) => / = "": /.test(fault))
  const faults = [
    ...ofEdge.map((fault) => `wrangler.toml: ${fault}`),
    ...ofOrigin.filter((fault) => !unset.includes(fault)).map((fault) => `origin/wrangler.toml: ${fault}`),
  ]
  const issuer: unknown = Reflect.get(origin, 'ISSUER') ?? 'foyer'
  if (vars !== undefined && vars.ISSUER !== issuer) {
    faults.push(
      `origin/wrangler.toml: ISSUER = ${JSON.stringify(issuer)}: must be that of wrangler.toml ("${vars.ISSUER}"), or the origin refuses every visitor`,
    )
  }
  return {
    faults,
    unset: unset.map((fault) => `origin/wrangler.toml: ${fault}`),
    warnings:
      rooms === undefined
        ? []
        : [...findRoomWarnings(rooms.values(), { nowMs }), ...remindOfDrawSecret(rooms)],
  }
}

/** wrangler does not ask for this secret, since most sites draw nothing; without it no room of a site that does would answer. */
function remindOfDrawSecret(rooms: ReadonlyMap<string, Room>): string[] {
  const lottery = [...rooms.values()].find((room) => room.queueing_method === 'lottery')
  return lottery === undefined
    ? []
    : [
        `ROOMS.${lottery.id} draws a lottery: the edge must have the secret DRAW_SECRET, or it answers no request (npx wrangler secret list -c wrangler.toml shows the names).`,
      ]
}
