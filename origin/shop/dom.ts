// Builds and finds elements. Text enters only as text nodes, so nothing that an event file, a buyer or a server says
// can become markup. Used by every module of the shop.

type Child = Node | string | false | undefined
type Attributes = Readonly<Record<string, string | boolean | (() => void) | undefined>>

/** An element with attributes (`true` sets an empty one, `onclick` adds a listener) and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  apply(made, attributes, children)
  return made
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  apply(made, attributes, children)
  return made
}

function apply(made: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value)
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children.filter((child) => child !== false && child !== undefined))
}

export function element(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`#${id}`)
  if (found === null) throw new Error(`the page has no element #${id}`)
  return found
}
