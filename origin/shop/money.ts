// Money and times as people read them. Amounts come in minor units; the page never computes a price that is charged.

/** "€105.00" for 10500 and EUR, by the currency's own number of decimals. */
export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency || 'EUR' })
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

/** "Saturday 19 December 2026, 19:30 GMT": in the reader's zone, which is therefore named. */
export function longTime(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return ''
  const day = at.toLocaleDateString('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  })
  const hour = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
  return `${day}, ${hour}`
}

export function shortTime(time: string): string {
  return new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
}

/** "4:05" */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
