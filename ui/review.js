// The pictures of a synthetic set under review: a grid, and the chosen one large over what it was made of. A choice is
// drawn at once and sent to the server, again and again until the server says that it is written down.

const REST_MS = 300 // without a move, after which the server is told which picture is chosen
const EDGE_STEP = 0.02 // of the width, a key
const SIGNS = { keep: "✓", reject: "✕", open: "" }

const reviews = new WeakMap()

export default function (component) {
  const root = component.parentElement
  if (!reviews.has(root)) reviews.set(root, new Review(root.querySelector(".review")))
  const review = reviews.get(root)
  review.receive(component)
  const down = event => review.keyDown(event)
  const up = event => review.keyUp(event)
  window.addEventListener("keydown", down)
  window.addEventListener("keyup", up)
  return () => {
    window.removeEventListener("keydown", down)
    window.removeEventListener("keyup", up)
    review.choices.end()
  }
}

const element = (name, attributes = {}, text = "") => {
  const made = Object.assign(document.createElement(name), { textContent: text })
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

class Review {
  constructor(box) {
    this.box = box
    this.find = selector => box.querySelector(selector)
    this.choices = new Confirmed(box)
    this.current = 0 // the chosen picture's number on this page
    this.selected = new Set() // further ones, by number
    this.layer = "" // what the chosen picture is held against
    this.edge = 0.5 // of the wipe
    this.said = "" // the file that the server was last told, or told us
    this.listen()
  }

  // --- what the server says --------------------------------------------------------------------------------------

  receive({ data, setTriggerValue }) {
    this.data = data
    this.tell = setTriggerValue
    this.choices.receive(choices => setTriggerValue("said", choices), data.written)
    const shape = JSON.stringify(data.pictures.map(({ file, beside }) => [file, beside]))
    if (shape !== this.shape) this.build(shape)
    if (data.chosen && data.chosen !== this.said) {
      const number = data.pictures.findIndex(({ file }) => file === data.chosen)
      if (number >= 0) this.current = number
      this.said = data.chosen
    }
    this.draw()
  }

  // What stands about a picture: what the server knows, and what it has yet to confirm.
  opinion(picture) {
    const { verdict, stars } = picture
    const mine = this.choices.waiting.filter(({ files, undo }) => !undo && files.includes(picture.file))
    return mine.reduce((now, choice) => ({
      verdict: choice.verdict ?? now.verdict, stars: choice.stars ?? now.stars,
    }), { verdict, stars })
  }

  // --- the parts -------------------------------------------------------------------------------------------------

  build(shape) {
    this.shape = shape
    this.current = 0
    this.selected.clear()
    const grid = this.find(".grid")
    grid.replaceChildren(...this.data.pictures.map((picture, number) => {
      const tile = element("button", { type: "button", role: "option", title: picture.alt })
      tile.append(element("img", { src: picture.thumbnail, alt: picture.alt, loading: "lazy" }))
      if (picture.beside) tile.append(element("img", { src: picture.beside, alt: this.data.besideName, loading: "lazy" }))
      tile.append(element("span", { class: "sign" }), element("span", { class: "rated" }))
      tile.onclick = event => this.click(number, event)
      return tile
    }))
    grid.classList.toggle("pairs", this.data.pictures.some(({ beside }) => beside))
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  draw() {
    const { pictures, canUndo } = this.data
    this.current = Math.min(this.current, pictures.length - 1)
    ;[...this.find(".grid").children].forEach((tile, number) => {
      const { verdict, stars } = this.opinion(pictures[number])
      tile.dataset.verdict = verdict
      tile.querySelector(".sign").textContent = SIGNS[verdict]
      tile.querySelector(".rated").textContent = "★".repeat(stars)
      tile.setAttribute("aria-selected", number === this.current || this.selected.has(number))
      tile.classList.toggle("current", number === this.current)
      const heard = { keep: "kept", reject: "rejected", open: "no verdict" }[verdict]
      tile.setAttribute("aria-label", `${pictures[number].alt}, ${heard}, ${stars} stars`)
    })
    const { verdict, stars } = this.opinion(pictures[this.current])
    this.press("[name=keep]", verdict === "keep")
    this.press("[name=reject]", verdict === "reject")
    this.box.querySelectorAll(".stars button").forEach((star, index) => star.classList.toggle("on", index < stars))
    this.find("[name=undo]").disabled = !(canUndo || this.choices.waiting.length)
    this.find(".count").textContent = this.selected.size > 1 ? `${this.selected.size} selected` : ""
    this.drawLarge()
  }

  press(selector, pressed) { this.find(selector).setAttribute("aria-pressed", pressed) }

  drawLarge() {
    const picture = this.data.pictures[this.current]
    const select = this.find("[name=layer]")
    const names = picture.layers.map(({ name }) => name)
    if (!names.includes(this.layer)) this.layer = names[0] ?? ""
    if (select.dataset.names !== JSON.stringify(names)) {
      select.replaceChildren(...names.map(name => new Option(name, name)))
      select.dataset.names = JSON.stringify(names)
    }
    select.value = this.layer
    select.parentElement.hidden = names.length < 2
    const layer = picture.layers.find(({ name }) => name === this.layer)
    const wipe = this.find(".wipe")
    wipe.classList.toggle("alone", !layer)
    this.show(".after", picture.large, picture.alt)
    if (layer) this.show(".before", layer.address, `${layer.name} of ${picture.alt}`)
    wipe.querySelector(".left").textContent = layer?.name ?? ""
    wipe.querySelector(".right").textContent = layer ? this.data.name : ""
    this.find(".what").textContent = picture.told
    this.drawEdge()
  }

  show(selector, address, alt) {
    const image = this.find(selector)
    if (image.getAttribute("src") !== address) image.src = address
    image.alt = alt
  }

  drawEdge() {
    const edge = this.holding ? 1 : this.edge
    this.find(".wipe").style.setProperty("--edge", `${100 * edge}%`)
    this.find("[name=edge]").value = Math.round(100 * edge)
  }

  // --- what the visitor does -------------------------------------------------------------------------------------

  click(number, event) {
    if (event.shiftKey) this.selectTo(number)
    else if (event.ctrlKey || event.metaKey) {
      if (!this.selected.size) this.selected.add(this.current)
      if (!this.selected.delete(number)) this.selected.add(number)
    } else this.selected.clear()
    this.go(number)
  }

  selectTo(number) {
    const [first, last] = [Math.min(this.current, number), Math.max(this.current, number)]
    for (let one = first; one <= last; one++) this.selected.add(one)
  }

  go(number) {
    if (number < 0 || number >= this.data.pictures.length) return
    this.current = number
    this.draw()
    this.find(".grid").children[number].scrollIntoView({ block: "nearest" })
    clearTimeout(this.resting)
    this.resting = setTimeout(() => this.report(), REST_MS)
  }

  report() {
    const { file } = this.data.pictures[this.current] ?? {}
    if (!file || file === this.said) return
    this.said = file
    this.tell("chosen", file)
  }

  step(by, extends_) {
    const number = this.current + by
    if (number < 0 || number >= this.data.pictures.length) return
    if (extends_) this.selectTo(number)
    else this.selected.clear()
    this.go(number)
  }

  columns() { return getComputedStyle(this.find(".grid")).gridTemplateColumns.split(" ").length }

  // The same verdict, or as many stars, again takes them away.
  choose(said) {
    const numbers = this.selected.size ? [...this.selected] : [this.current]
    const about = numbers.map(number => this.data.pictures[number])
    const [name, value] = Object.entries(said)[0]
    if (about.every(picture => this.opinion(picture)[name] === value)) said = { [name]: name === "stars" ? 0 : "open" }
    this.say({ ...said, files: about.map(({ file }) => file) })
    if (said.verdict && said.verdict !== "open" && !this.selected.size) this.step(1)
  }

  say(choice) {
    this.choices.say(choice)
    this.draw()
  }

  undo() { this.say({ undo: true, files: [] }) }

  keyDown(event) {
    if (!this.mayUse(event)) return
    const onEdge = event.composedPath()[0] === this.find("[name=edge]")
    const once = act => () => event.repeat || act()
    const acts = {
      arrowleft: () => onEdge ? this.moveEdge(this.edge - EDGE_STEP) : this.step(-1, event.shiftKey),
      arrowright: () => onEdge ? this.moveEdge(this.edge + EDGE_STEP) : this.step(1, event.shiftKey),
      arrowup: () => this.step(-this.columns(), event.shiftKey),
      arrowdown: () => this.step(this.columns(), event.shiftKey),
      k: once(() => this.choose({ verdict: "keep" })),
      x: once(() => this.choose({ verdict: "reject" })),
      z: once(() => this.find("[name=undo]").disabled || this.undo()),
      "0": once(() => this.choose({ stars: 0 })),
      " ": () => this.hold(true),
    }
    const key = event.key.toLowerCase()
    const act = acts[key] || (/^[1-5]$/.test(key) && once(() => this.choose({ stars: Number(key) })))
    if (!act) return
    event.preventDefault()
    event.stopImmediatePropagation()
    act()
  }

  keyUp(event) {
    if (event.key !== " " || !this.holding) return
    event.preventDefault()
    this.hold(false)
  }

  hold(on) {
    this.holding = on
    this.drawEdge()
  }

  moveEdge(to) {
    this.edge = Math.min(1, Math.max(0, to))
    this.drawEdge()
  }

  // Keys belong to what is typed into, to open lists and dialogs, and to a control that was reached by keyboard.
  mayUse(event) {
    if (!this.box.isConnected || event.ctrlKey || event.metaKey || event.altKey) return false
    const target = event.composedPath()[0]
    if (!(target instanceof Element)) return true
    if (target === this.find("[name=edge]") || target.closest(".grid")) return true
    if (target.closest("input, textarea, select, [contenteditable=true], [role=combobox], [role=dialog]")) return false
    if (target.closest("[role=tab], [role=radio], [role=slider], [role=option], [role=menuitem]")) {
      return event.key !== " " && !event.key.startsWith("Arrow")
    }
    return !(event.key === " " && target.closest("button, a, summary") && target.matches(":focus-visible"))
  }

  listen() {
    const on = (selector, event, act) => this.find(selector).addEventListener(event, act)
    on("[name=keep]", "click", () => this.choose({ verdict: "keep" }))
    on("[name=reject]", "click", () => this.choose({ verdict: "reject" }))
    on("[name=undo]", "click", () => this.undo())
    on("[name=edge]", "input", event => this.moveEdge(event.target.value / 100))
    on("[name=layer]", "change", event => { this.layer = event.target.value; this.drawLarge() })
    this.box.querySelectorAll(".stars button").forEach((star, index) => {
      star.onclick = () => this.choose({ stars: index + 1 })
    })
    const wipe = this.find(".wipe")
    const follow = event => {
      const { left, width } = wipe.getBoundingClientRect()
      this.moveEdge((event.clientX - left) / width)
    }
    wipe.addEventListener("pointerdown", event => { wipe.setPointerCapture(event.pointerId); follow(event) })
    wipe.addEventListener("pointermove", event => { if (wipe.hasPointerCapture(event.pointerId)) follow(event) })
  }
}
