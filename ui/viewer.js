// Two epochs of a run side by side: a grid of all probes, or one probe under a wipe. Everything that moves is drawn
// here from the epochs' sample sheets; the server hears notes, and where the visitor has come to rest.

const REST_MS = 300 // without a change, after which the server is told
const PLAY_MS = 250 // an epoch, while it plays
const AHEAD = 3 // sheets loaded beside the one that is shown
const KEPT = 64 // sheets held in memory
const EDGE = { role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": "100" } // of the wipe
const EDGE_STEP = 0.02 // of the width, a key
const GAIN = 3 // doublings of a difference: 2 * 2 * 2 = 8

const viewers = new WeakMap()

export default function (component) {
  const root = component.parentElement
  if (!viewers.has(root)) viewers.set(root, new Viewer(root.querySelector(".viewer")))
  const viewer = viewers.get(root)
  viewer.receive(component)
  const down = event => viewer.keyDown(event)
  const up = event => viewer.keyUp(event)
  window.addEventListener("keydown", down)
  window.addEventListener("keyup", up)
  return () => {
    window.removeEventListener("keydown", down)
    window.removeEventListener("keyup", up)
    viewer.confirmed.end()
  }
}

const element = (name, attributes = {}, text = "") => {
  const made = Object.assign(document.createElement(name), { textContent: text })
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

class Viewer {
  constructor(box) {
    this.box = box
    this.confirmed = new Confirmed(box)
    this.sheets = new Map() // by address, the least recently used first
    this.place = null // { a, b, probe }
    this.told = "" // the place that the server was last told, or told us
    this.zoom = { factor: 1, x: 0.5, y: 0.5 } // of every pane
    this.edge = 0.5 // of the wipe
    this.against = "b" // what the difference is to: epoch B, or the input
    this.third = "b" // what stands beside the input and epoch A where there is room for three columns
    this.flickering = false
    this.find = selector => box.querySelector(selector)
    this.listen()
  }

  // --- what the server says --------------------------------------------------------------------------------------

  receive({ data, setTriggerValue }) {
    this.data = data
    this.confirmed.receive(all => setTriggerValue("said", all), data.written)
    const said = JSON.stringify(data.place)
    const isHeard = !this.confirmed.waiting.some(({ place }) => place) // else it is where we were before
    if (isHeard && said !== this.told) { // the page moved us: a link, a point of the chart
      this.place = { ...data.place }
      this.told = said
    }
    if (!data.epochs.includes(this.place.a)) this.place.a = data.place.a
    if (!data.epochs.includes(this.place.b)) this.place.b = data.place.b
    const shape = JSON.stringify([data.view, data.rows, data.columns, data.size])
    if (shape !== this.shape) this.build(shape)
    this.fill()
    this.draw()
  }

  address(epoch) { return this.data.sheets[this.data.epochs.indexOf(epoch)] }

  isShown(address) { return address === this.address(this.place.a) || address === this.address(this.place.b) }

  sheet(epoch) {
    const address = this.address(epoch)
    let image = this.sheets.get(address)
    if (image) this.sheets.delete(address) // it goes to the end
    else {
      image = new Image()
      image.onload = () => { if (this.isShown(address)) this.draw() }
      image.onerror = () => { this.sheets.delete(address) }
      image.src = address
    }
    this.sheets.set(address, image)
    if (this.sheets.size > KEPT) this.sheets.delete(this.sheets.keys().next().value)
    return image.complete && image.naturalWidth ? image : null
  }

  // --- the parts -------------------------------------------------------------------------------------------------

  build(shape) {
    this.shape = shape
    const { rows, view, columns } = this.data
    const body = this.find(".body")
    body.replaceChildren()
    this.panes = []
    this.box.dataset.view = view
    this.find("[name=third] [value=mask]").hidden = !("mask" in columns)
    const kinds = [...["input", "mask"].filter(kind => kind in columns), "a", "b", "difference"]
    this.hasInput = "input" in columns // a noise model has none
    if (!this.hasInput) this.against = "b"
    this.find("[name=against]").parentElement.style.display = this.hasInput ? "" : "none"
    if (view === "wipe") this.buildWipe(body)
    else {
      const grid = element("div", { class: "grid" })
      grid.style.gridTemplateColumns = `repeat(${kinds.length}, minmax(0, 1fr))`
      for (const kind of kinds) grid.append(element("div", { class: this.classOf(kind, "head"), "data-kind": kind }))
      rows.forEach((row, number) => kinds.forEach(kind => grid.append(this.pane(kind, number))))
      body.append(grid)
    }
  }

  classOf(kind, base = "") { return `${base} ${kind === "a" ? "now" : ""}`.trim() }

  buildWipe(body) {
    const pair = element("div", { class: "pair" })
    const left = element("div", { class: "wipe" })
    left.append(this.pane("wipe", null), element("span", { class: "tag left" }), element("span", { class: "tag right" }))
    const right = element("div")
    right.append(element("div", { class: "head", "data-kind": "difference" }), this.pane("difference", null))
    const probes = element("div", { class: "probes", role: "group", "aria-label": "Probe" })
    this.data.rows.forEach((row, number) => {
      const button = element("button", { type: "button", "aria-label": row.alt, title: row.alt, "data-probe": number })
      button.append(this.pane(this.hasInput ? "input" : "a", number, true))
      button.onclick = () => this.go({ probe: number })
      probes.append(button)
    })
    right.append(probes)
    pair.append(left, right)
    body.append(pair)
  }

  pane(kind, number, small = false) {
    const canvas = element("canvas", { role: "img", class: small ? "" : this.classOf(kind) })
    if (kind === "wipe") for (const [key, value] of Object.entries(EDGE)) canvas.setAttribute(key, value)
    canvas.width = canvas.height = this.data.size
    canvas.dataset.kind = kind
    this.panes.push({ canvas, kind, number, small })
    if (!small) this.listenTo(canvas, kind)
    return canvas
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  fill() {
    const { epochs, marks, canUndo } = this.data
    const { a, b, probe } = this.place
    const slider = this.find("[name=a]")
    slider.max = epochs.length - 1
    slider.value = epochs.indexOf(a)
    slider.setAttribute("aria-valuetext", `epoch ${a}`)
    slider.disabled = epochs.length < 2
    this.find("output").textContent = `Epoch ${a}`
    const select = this.find("[name=b]")
    if (select.options.length !== epochs.length) {
      select.replaceChildren(...epochs.map(epoch => new Option(epoch, epoch)))
    }
    select.value = b
    for (const option of this.box.querySelectorAll("[name=against] [value=b], [name=third] [value=b]")) option.text = `epoch ${b}`
    this.find("[name=against]").value = this.against
    this.find("[name=third]").value = this.box.dataset.third = this.third
    this.press("[name=best]", marks.best === a)
    this.find("[name=best]").textContent = marks.best === a ? "Best" : "Mark best"
    this.box.querySelectorAll(".stars button").forEach((star, index) => {
      star.classList.toggle("on", index < (marks.stars[a] || 0))
    })
    this.find("[name=undo]").disabled = !canUndo
    this.press("[name=play]", Boolean(this.playing))
    this.press("[name=flicker]", this.flickering)
    this.box.querySelectorAll("[data-factor]").forEach(button => {
      button.setAttribute("aria-pressed", Number(button.dataset.factor) === this.zoom.factor)
    })
    this.box.querySelectorAll("[data-probe]").forEach(button => {
      button.setAttribute("aria-pressed", Number(button.dataset.probe) === probe)
    })
    const names = { input: "Input", mask: "Mask", a: `Epoch ${a}`, b: `Epoch ${b}` }
    names.difference = `Difference × ${2 ** GAIN}`
    this.box.querySelectorAll(".head").forEach(head => { head.textContent = names[head.dataset.kind] })
    const tags = this.box.querySelectorAll(".tag")
    if (tags.length) [tags[0].textContent, tags[1].textContent] = [`Epoch ${a}`, `Epoch ${b}`]
    this.box.classList.toggle("zoomed", this.zoom.factor > 1)
    this.box.classList.toggle("smaller", this.data.size < 128)
  }

  press(selector, pressed) { this.find(selector).setAttribute("aria-pressed", pressed) }

  draw() {
    if (!this.data) return
    const [a, b] = [this.sheet(this.place.a), this.sheet(this.place.b)]
    if (!a || !b) return // what was drawn stays until both are there
    this.loadAhead()
    const [first, second] = this.flickering ? [b, a] : [a, b]
    for (const pane of this.panes) this.drawPane(pane, first, second)
    this.box.dataset.shown = this.flickering ? this.place.b : this.place.a
  }

  loadAhead() {
    const { epochs } = this.data
    const now = epochs.indexOf(this.place.a)
    for (let step = 1; step <= AHEAD; step++) {
      for (const epoch of [epochs[now + step], epochs[now - step]]) if (epoch !== undefined) this.sheet(epoch)
    }
  }

  drawPane({ canvas, kind, number, small }, a, b) {
    const { data: { size, rows, columns }, place } = this
    const row = rows[number ?? place.probe]
    const pen = canvas.getContext("2d")
    const { factor, x, y } = small ? { factor: 1, x: 0.5, y: 0.5 } : this.zoom
    const side = size / factor
    const paint = (sheet, column) => {
      const left = (row.column ?? columns[column]) * size + x * size - side / 2
      const top = row.index * size + y * size - side / 2
      pen.drawImage(sheet, left, top, side, side, 0, 0, size, size)
    }
    pen.globalCompositeOperation = "source-over"
    pen.imageSmoothingEnabled = factor === 1
    if (kind === "difference") {
      paint(a, "fake")
      pen.globalCompositeOperation = "difference"
      if (this.against === "b") paint(b, "fake")
      else paint(a, "input")
      pen.globalCompositeOperation = "lighter" // a picture upon itself is twice as bright
      for (let doubling = 0; doubling < GAIN; doubling++) pen.drawImage(canvas, 0, 0)
    } else if (kind === "wipe") {
      paint(a, "fake")
      pen.save()
      pen.beginPath()
      pen.rect(this.edge * size, 0, size, size)
      pen.clip()
      paint(b, "fake")
      pen.restore()
      pen.fillStyle = "#fff"
      pen.fillRect(this.edge * size - size / 400, 0, size / 200, size)
      canvas.dataset.edge = this.edge.toFixed(3)
      canvas.setAttribute("aria-valuenow", Math.round(100 * this.edge))
    } else paint(kind === "b" ? b : a, kind === "a" || kind === "b" ? "fake" : kind)
    canvas.setAttribute("aria-label", `${this.title(kind)} of ${row.alt}`)
  }

  title(kind) {
    const { a, b } = this.place
    if (kind === "difference") return `${2 ** GAIN} times the difference between epoch ${a} and ${this.against === "b" ? `epoch ${b}` : "the input"}`
    if (kind === "wipe") return `epoch ${a} on the left and epoch ${b} on the right`
    return { a: `epoch ${a}`, b: `epoch ${b}` }[kind] || kind
  }

  // --- what the visitor does -------------------------------------------------------------------------------------

  go(change) {
    this.place = { ...this.place, ...change }
    this.fill()
    this.draw()
    clearTimeout(this.resting)
    if (!this.playing) this.resting = setTimeout(() => this.report(), REST_MS)
  }

  report() {
    const said = JSON.stringify(this.place)
    if (said === this.told) return
    this.told = said
    this.confirmed.say({ place: { ...this.place } })
  }

  step(by) {
    const { epochs } = this.data
    const next = epochs[epochs.indexOf(this.place.a) + by]
    if (next !== undefined) this.go({ a: next })
    return next !== undefined
  }

  play() {
    if (this.playing) return this.stop()
    const { epochs } = this.data
    this.playing = setInterval(() => {
      if (!this.box.isConnected) return this.stop()
      if (!this.sheet(this.place.a)) return // it waits for what is not loaded yet
      if (!this.step(1)) this.stop()
    }, PLAY_MS)
    this.go({ a: this.place.a === epochs.at(-1) ? epochs[0] : this.place.a })
  }

  stop() {
    clearInterval(this.playing)
    this.playing = null
    this.go({})
  }

  moveEdge(to) {
    this.edge = Math.min(1, Math.max(0, to))
    this.draw()
  }

  flicker(on) {
    if (on === this.flickering) return
    this.flickering = on
    this.fill()
    this.draw()
  }

  mark(said) { this.confirmed.say({ ...said, epoch: this.place.a }) }

  zoomTo(factor, x = this.zoom.x, y = this.zoom.y) {
    const margin = 0.5 / factor
    const inside = value => Math.min(1 - margin, Math.max(margin, value))
    this.zoom = { factor, x: inside(x), y: inside(y) }
    this.fill()
    this.draw()
  }

  keyDown(event) {
    if (!this.mayUse(event)) return
    const key = event.key.toLowerCase()
    const onEdge = this.data.view === "wipe" && (event.shiftKey || event.composedPath()[0].dataset?.kind === "wipe")
    const acts = onEdge && key.startsWith("arrow") ? {
      arrowleft: () => this.moveEdge(this.edge - EDGE_STEP),
      arrowright: () => this.moveEdge(this.edge + EDGE_STEP),
    } : {
      arrowleft: () => this.step(-1),
      arrowright: () => this.step(1),
      " ": () => this.flicker(true),
      b: () => event.repeat || this.mark({ best: true }),
      z: () => event.repeat || (this.data.canUndo && this.mark({ undo: true })),
    }
    const act = acts[key] || (/^[1-5]$/.test(key) && (() => event.repeat || this.mark({ stars: Number(key) })))
    if (!act) return
    event.preventDefault()
    event.stopImmediatePropagation()
    act()
  }

  keyUp(event) {
    if (event.key !== " " || !this.flickering) return
    event.preventDefault()
    this.flicker(false)
  }

  // Keys belong to what is typed into, to open lists and dialogs, and to a control that was reached by keyboard.
  mayUse(event) {
    if (!this.box.isConnected || event.ctrlKey || event.metaKey || event.altKey) return false
    const target = event.composedPath()[0]
    if (!(target instanceof Element)) return true
    if (target === this.find("[name=a]") || target.dataset.kind === "wipe") return true
    if (target.closest("input, textarea, select, [contenteditable=true], [role=combobox], [role=dialog]")) return false
    if (target.closest("[role=tab], [role=radio], [role=slider], [role=option], [role=menuitem]")) return event.key !== " " && !event.key.startsWith("Arrow")
    return !(event.key === " " && target.closest("button, a, summary") && target.matches(":focus-visible"))
  }

  listen() {
    const on = (selector, event, act) => this.find(selector).addEventListener(event, act)
    on("[name=a]", "input", event => this.go({ a: this.data.epochs[Number(event.target.value)] }))
    on("[name=b]", "change", event => this.go({ b: Number(event.target.value) }))
    on("[name=against]", "change", event => { this.against = event.target.value; this.draw() })
    on("[name=third]", "change", event => { this.third = event.target.value; this.fill() })
    on("[name=back]", "click", () => this.step(-1))
    on("[name=forward]", "click", () => this.step(1))
    on("[name=play]", "click", () => this.play())
    on("[name=flicker]", "pointerdown", () => this.flicker(true))
    for (const event of ["pointerup", "pointerleave", "pointercancel"]) on("[name=flicker]", event, () => this.flicker(false))
    on("[name=best]", "click", () => this.mark({ best: true }))
    on("[name=undo]", "click", () => this.mark({ undo: true }))
    this.box.querySelectorAll(".stars button").forEach((star, index) => {
      star.addEventListener("click", () => this.mark({ stars: index + 1 }))
    })
    this.box.querySelectorAll("[data-factor]").forEach(button => {
      button.addEventListener("click", () => this.zoomTo(Number(button.dataset.factor)))
    })
  }

  listenTo(canvas, kind) {
    let from = null
    const share = event => {
      const box = canvas.getBoundingClientRect()
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
    }
    const wipe = event => this.moveEdge(share(event)[0])
    canvas.addEventListener("pointerdown", event => {
      if (event.button !== 0 || (kind !== "wipe" && this.zoom.factor === 1)) return
      canvas.setPointerCapture(event.pointerId)
      from = { at: share(event), zoom: this.zoom }
      if (kind === "wipe") wipe(event)
    })
    canvas.addEventListener("pointermove", event => {
      if (!from) return
      if (kind === "wipe") return wipe(event)
      const [x, y] = share(event)
      const { factor } = from.zoom
      this.zoomTo(factor, from.zoom.x - (x - from.at[0]) / factor, from.zoom.y - (y - from.at[1]) / factor)
    })
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { from = null })
    canvas.addEventListener("dblclick", event => {
      const [x, y] = share(event)
      const { factor } = this.zoom
      const at = (center, value) => center + (value - 0.5) / factor
      this.zoomTo(factor === 4 ? 1 : factor * 2, at(this.zoom.x, x), at(this.zoom.y, y))
    })
  }
}
