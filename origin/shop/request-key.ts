// Keys that make a repeated request the same request (`Idempotency-Key`). Used for holds and orders.

/** 144 random bits, URL-safe. Not `randomUUID`: that is missing where the page came over plain HTTP from a network address. */
export function requestKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}
