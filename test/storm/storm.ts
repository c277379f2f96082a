// A storm in four steps, each begun when the one before is over: a first wave holds and orders, and half of it pays; Redis loses
// everything; a second wave holds and orders the same seats; then all the others pay, with Redis or without.
// So there are orders whose holds are gone, holds of others on the same seats, and both paid at the same moment.
import { randomFrom } from '../redis/queue/random.ts'
import { Buyer, CARDS } from './buyer.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { PERFORMANCE } from './hall.ts'
import { Requests } from './requests.ts'
import { rest } from './rest.ts'
import type { Shop } from './shop.ts'
import type { Untruth } from './truths.ts'
import { letItRain, letItStop } from './weather.ts'

const WAVE = 50
/** Buyers whose requests are under way at once. */
const AT_ONCE = 24

export interface StormOptions {
  readonly seed: number
  /** Redis answers nobody while the others pay. */
  readonly redisAway?: boolean
  /** Redis forgets everything between the waves; true unless said otherwise. */
  readonly loss?: boolean
  /** The good card, unless the storm is about refusals. */
  readonly card?: string
  /** Of each order, at once. */
  readonly clicks?: number
  /** Share of the answers that get lost between us and the buyer. */
  readonly lostAnswers?: number
  /** Further things to go wrong, armed before the first buyer. */
  readonly before?: (shop: Shop) => void
  /** What happens beside the payments of the second wave. */
  readonly meanwhile?: (shop: Shop) => Promise<void>
}

export interface Aftermath {
  readonly first: readonly Buyer[]
  readonly second: readonly Buyer[]
  readonly requests: Requests
  readonly untruths: readonly Untruth[]
  /** Orders by status and reason. */
  readonly ends: Readonly<Record<string, number>>
  /** Orders of the second wave that were voided for a seat, though their holds lived. */
  readonly robbed: number
  /** Seats that Redis has held after the first wave's holds, beyond those that its buyers know to be theirs. */
  readonly heldForNobody: number
}

export async function storm(shop: Shop, options: StormOptions): Promise<Aftermath> {
  const { seed, redisAway = false, loss = true, card = CARDS.good, clicks, lostAnswers = 0.03 } = options
  const random = randomFrom(seed)
  const requests = new Requests({ random, lostAnswers })
  const enter = () => Buyer.enter(shop, { requests, random: randomFrom(Math.floor(random() * 2 ** 31)) })
  const wave = () => Promise.all(Array.from({ length: WAVE }, enter))
  const order = async (buyer: Buyer) => {
    if (await buyer.hold()) await buyer.order(clicks === undefined ? {} : { clicks })
  }
  const pay = async (buyer: Buyer) => {
    if (buyer.outcome === 'ordered') await buyer.pay(card)
  }

  const locks = setInterval(() => void shortenLocks(shop), 500)
  letItRain(shop, { lostReplies: 0.02, repeated: 0.02 }, random)
  options.before?.(shop)
  const first = await wave()
  await inTurns(first, order)
  const heldForNobody = (await seatsHeld(shop)) - first.reduce((sum, { seats }) => sum + seats, 0)
  const [hasty, thinking] = [first.filter((_, at) => at % 2 === 0), first.filter((_, at) => at % 2 === 1)]
  await inTurns(hasty, pay)
  if (loss) await shop.redis.flushall()
  const second = await wave()
  await inTurns(second, order)
  if (redisAway) shop.upstash.set({ kind: 'status', status: 503 })
  await Promise.all([inTurns([...thinking, ...second], pay), options.meanwhile?.(shop)])
  letItStop(shop)
  clearInterval(locks)

  const untruths = await rest(shop)
  const ends = await shop.query<{ name: string; orders: number }>(
    `select status || coalesce(' ' || reason, '') as name, count(*)::int as orders from orders group by 1 order by 1`,
  )
  const [lost] = await shop.query<{ orders: number }>(
    `select count(*)::int as orders from orders where reason = 'seat_lost' and id = any($1)`,
    [second.map(({ orderId }) => orderId)],
  )
  return {
    first,
    second,
    requests,
    untruths,
    ends: Object.fromEntries(ends.map(({ name, orders }) => [name, orders])),
    robbed: lost?.orders ?? 0,
    heldForNobody,
  }
}

/** A key whose claim was made and never answered is free after 30 s: here after three. */
async function shortenLocks({ query }: Shop): Promise<void> {
  await query(
    `update idempotency_keys set locked_until = now() where response is null and locked_until < now() + interval '27 seconds'`,
  )
}

async function seatsHeld({ redis }: Shop): Promise<number> {
  const map = (await redis.get(performanceKeys(PERFORMANCE).map)) ?? ''
  return map.split('h').length - 1
}

/** All of them, so many at once, in their order. */
export async function inTurns<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values()
  const worker = async () => {
    for (const one of queue) await work(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
