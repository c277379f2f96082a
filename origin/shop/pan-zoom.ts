// Moves and scales an SVG's view by wheel, drag, pinch and buttons, and tells taps from drags. Knows nothing of seats.

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PanZoom {
  /** Scales around a point of the drawing (its middle by default). */
  zoom(factor: number, at?: readonly [x: number, y: number]): void
  reset(): void
  /** Screen pixels per unit of the drawing. */
  scale(): number
}

/** Pixels that a finger may slip and still tap. */
const SLIP_PX = 9
const MOST_ZOOM = 12

export function panZoom(
  node: SVGSVGElement,
  whole: Box,
  tapped: (x: number, y: number, pointerType: string) => void,
): PanZoom {
  let box = whole
  const pointers = new Map<number, PointerEvent>()
  let slipped = false

  function show(next: Box): void {
    const width = Math.min(whole.width, Math.max(whole.width / MOST_ZOOM, next.width))
    const height = (width / whole.width) * whole.height
    const clamp = (value: number, from: number, to: number): number =>
      Math.min(Math.max(value, from), Math.max(from, to))
    box = {
      x: clamp(next.x, whole.x, whole.x + whole.width - width),
      y: clamp(next.y, whole.y, whole.y + whole.height - height),
      width,
      height,
    }
    node.setAttribute('viewBox', `${box.x} ${box.y} ${box.width} ${box.height}`)
    // While the whole is in view, one finger scrolls the page; zoomed in, it moves the map.
    node.classList.toggle('zoomed', width < whole.width)
  }

  function pointOf({ clientX, clientY }: PointerEvent | WheelEvent): readonly [number, number] {
    const matrix = node.getScreenCTM()
    if (matrix === null) return [0, 0]
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse())
    return [x, y]
  }
  const scale = (): number => node.getScreenCTM()?.a ?? 1

  function zoom(
    factor: number,
    at: readonly [number, number] = [box.x + box.width / 2, box.y + box.height / 2],
  ): void {
    const width = Math.min(whole.width, Math.max(whole.width / MOST_ZOOM, box.width / factor))
    const share = width / box.width
    show({ x: at[0] - (at[0] - box.x) * share, y: at[1] - (at[1] - box.y) * share, width, height: 0 })
  }

  node.addEventListener('pointerdown', (event) => {
    if (pointers.size === 0) slipped = false
    pointers.set(event.pointerId, event)
  })
  node.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId)
    if (before === undefined) return
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY]
    if (pointers.size === 1 && !slipped && Math.hypot(dx, dy) < SLIP_PX) return
    slipped = true
    node.setPointerCapture(event.pointerId)
    const [other] = [...pointers.values()].filter(({ pointerId }) => pointerId !== event.pointerId)
    if (other === undefined) {
      show({ ...box, x: box.x - dx / scale(), y: box.y - dy / scale() })
    } else {
      const distance = (from: PointerEvent): number =>
        Math.hypot(from.clientX - other.clientX, from.clientY - other.clientY)
      zoom(distance(event) / Math.max(1, distance(before)), pointOf(other))
    }
    pointers.set(event.pointerId, event)
  })
  const lift = (event: PointerEvent): void => {
    const began = pointers.delete(event.pointerId)
    if (began && !slipped && event.type === 'pointerup') tapped(...pointOf(event), event.pointerType)
  }
  node.addEventListener('pointerup', lift)
  node.addEventListener('pointercancel', lift)
  node.addEventListener(
    'wheel',
    (event) => {
      // Without the key, the wheel goes on scrolling the page.
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      zoom(Math.exp(-event.deltaY / 250), pointOf(event))
    },
    { passive: false },
  )
  show(whole)
  return { zoom, reset: () => show(whole), scale }
}
