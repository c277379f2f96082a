// Memory that a waiting visitor takes in Redis. Read from INFO memory before and after a room is filled.

import type { Redis as Connection } from 'ioredis'

export interface Memory {
  /** Bytes that Redis has asked its allocator for. */
  readonly usedBytes: number
  /** Resident bytes over used bytes: what the allocator and the system add. */
  readonly fragmentation: number
  readonly allocator: string
}

export async function readMemory(connection: Connection): Promise<Memory> {
  const info = await connection.info('memory')
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? ''
  return {
    usedBytes: Number(field('used_memory')),
    fragmentation: Number(field('mem_fragmentation_ratio')),
    allocator: field('mem_allocator'),
  }
}
