// Fills an HTML file of the shop: `{{title}}` and `{{text}}` as text, `{{data}}` as JSON inside a script element that is data.
// Pure; called by the routes of pages. Whatever the values hold, they cannot become markup.

/** Pages run our own scripts and styles alone, speak to this origin alone, and cannot be framed. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'private, no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  // An order's address is the key to it and must not travel to other sites.
  'referrer-policy': 'same-origin',
  'x-robots-tag': 'noindex',
} as const

export function fillPage(
  html: string,
  { title, text = '', data = {} }: { title: string; text?: string; data?: unknown },
): string {
  const values: Readonly<Record<string, string>> = {
    title: escapeHtml(title),
    text: escapeHtml(text),
    data: JSON.stringify(data).replaceAll('<', '\\u003c'),
  }
  return html.replaceAll(
    /\{\{(title|text|data)\}\}/g,
    (placeholder, name: string) => values[name] ?? placeholder,
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** For text, and for attribute values in quotes. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
