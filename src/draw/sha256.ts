// SHA-256 as lower-case hex, the only form in which the draw spells a hash. WebCrypto alone: Worker, Node and browser.

/** 64 hex digits; a text is hashed as its UTF-8 bytes. */
export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return hexOf(await crypto.subtle.digest('SHA-256', bytes))
}

/** Two lower-case digits a byte. */
export function hexOf(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
