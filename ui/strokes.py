"""A picture to draw on with the mouse, a finger or a pen; each finished line is sent to the server as a stroke."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from leafcore.masks.corrections import Stroke

MAX_POINTS = 200  # of a stroke; a long line is thinned to so many corners

_HTML = """
<figure>
  <img draggable="false" alt="">
  <canvas></canvas>
</figure>
"""

_CSS = """
figure { position: relative; margin: 0; line-height: 0; }
img { width: 100%; border-radius: var(--st-base-radius); user-select: none; }
canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: crosshair; }
"""

# A line is dashed where it takes away, so that colour alone tells nothing.
_JS = """
const watchers = new WeakMap()
const lines = new WeakMap()  // by canvas: the line being drawn, which outlives a new drawing of the page
const COLORS = { include: "#00c896", exclude: "#ff6a3d" }

function drawLine(canvas, stroke) {
  const { width, height } = canvas
  const pen = canvas.getContext("2d")
  pen.strokeStyle = COLORS[stroke.kind]
  pen.lineWidth = Math.max(2, stroke.width * Math.min(width, height))
  pen.globalAlpha = 0.5
  pen.lineCap = pen.lineJoin = "round"
  pen.setLineDash(stroke.kind === "exclude" ? [pen.lineWidth, 2 * pen.lineWidth] : [])
  pen.beginPath()
  stroke.points.forEach(([x, y]) => pen.lineTo(x * width, y * height))
  if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] * width + 0.1, stroke.points[0][1] * height)
  pen.stroke()
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const image = parentElement.querySelector("img")
  const canvas = parentElement.querySelector("canvas")

  const redraw = () => {
    canvas.width = canvas.clientWidth
    canvas.height = canvas.clientHeight
    data.strokes.forEach(stroke => drawLine(canvas, stroke))
    if (lines.has(canvas)) drawLine(canvas, lines.get(canvas))
  }
  const place = event => {
    const box = canvas.getBoundingClientRect()
    const share = value => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)]
  }

  canvas.dataset.kind = data.kind
  image.alt = data.alt
  image.onload = redraw
  if (image.src !== data.picture) image.src = data.picture
  else redraw()

  canvas.onpointerdown = event => {
    if (event.button !== 0) return
    canvas.setPointerCapture(event.pointerId)
    lines.set(canvas, { kind: data.kind, width: data.width, points: [place(event)] })
    redraw()
  }
  canvas.onpointermove = event => {
    if (!lines.has(canvas)) return
    lines.get(canvas).points.push(place(event))
    redraw()
  }
  canvas.onpointerup = () => {
    const line = lines.get(canvas)
    if (!line) return
    lines.delete(canvas)
    const step = Math.ceil(line.points.length / data.maxPoints)
    const last = line.points.length - 1
    const points = line.points.filter((_, index) => index % step === 0 || index === last)
    data.strokes.push({ ...line, points })
    setTriggerValue("stroke", { ...line, points })
  }
  canvas.onpointercancel = () => { lines.delete(canvas); redraw() }

  watchers.get(canvas)?.disconnect()
  const watcher = new ResizeObserver(redraw)
  watchers.set(canvas, watcher)
  watcher.observe(canvas)
  return () => watcher.disconnect()
}
"""

_CANVAS = st.components.v2.component("leaf_strokes", html=_HTML, css=_CSS, js=_JS)


def draw_strokes(
    picture: bytes,
    alt: str,
    strokes: Sequence[Stroke],
    kind: Literal["include", "exclude"],
    width: float,
    key: str,
    on_stroke: Callable[[Stroke], None],
) -> None:
    """Draw a picture that strokes can be drawn on.

    Args:
        picture: A JPEG.
        alt: What it shows.
        strokes: Those that are there already.
        kind: What the next one means.
        width: Of the next one, as a share of the picture's shorter side.
        key: Of the widget.
        on_stroke: Called with a finished stroke, before the page is drawn anew.
    """

    def finished() -> None:
        drawn: dict[str, Any] | None = st.session_state[key].stroke
        if drawn:
            on_stroke(Stroke.model_validate(drawn))

    _CANVAS(
        key=key,
        data={
            "picture": "data:image/jpeg;base64," + base64.b64encode(picture).decode(),
            "alt": alt,
            "strokes": [stroke.model_dump(mode="json") for stroke in strokes],
            "kind": kind,
            "width": width,
            "maxPoints": MAX_POINTS,
        },
        on_stroke_change=finished,
    )
