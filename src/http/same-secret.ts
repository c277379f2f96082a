// Whether a client's secret is ours. Used for the admin token by both Workers. Compares digests, so that neither the
// length nor the first difference shows in the time that it takes.

export async function sameSecret(given: string, ours: string): Promise<boolean> {
  const digest = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const [left, right] = await Promise.all([digest(given), digest(ours)])
  return left.reduce((difference, byte, index) => difference | (byte ^ (right[index] ?? 0)), 0) === 0
}
