// What the visitor says: sent to the server, again and again until the server says that it is written down. See
// confirmed.py. This file stands before the component's own.

const AGAIN_MS = 1500 // without an answer, after which it is sent again

class Confirmed {
  constructor(box) {
    this.box = box
    this.number = 0
    this.waiting = [] // what the server has not confirmed, oldest first
  }

  receive(tell, written) {
    this.tell = tell
    this.number = Math.max(this.number, written)
    this.waiting = this.waiting.filter(said => said.number > written)
    this.end()
    if (this.waiting.length) this.again = setTimeout(() => this.send(), AGAIN_MS)
  }

  say(said) {
    this.number += 1
    this.waiting.push({ ...said, number: this.number })
    this.send()
  }

  send() {
    this.end()
    this.tell(this.waiting)
    this.again = setTimeout(() => this.waiting.length && this.box.isConnected && this.send(), AGAIN_MS)
  }

  end() { clearTimeout(this.again) }
}

