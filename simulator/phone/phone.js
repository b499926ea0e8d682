/* One phone: what its keys do and what reaches it. `screen.js` says how that looks. */

import { Keypad } from "./keypad.js";
import * as network from "./network.js";
import { draw, VIEWS } from "./screen.js";
import { say } from "./words.js";

const POLL_MS = 1000;
const FIRST_POLL_MS = 20; // until it is known whose phone it is
const OFFLINE_POLL_MS = 4000;
const SILENCE_MS = 15000; // an answer takes a second or two
const READ_KEPT = 300;
const SETTLED = { decline: "declined", ignore: "ignored" };

export class Phone {
  view = "home";
  words = "";
  notice = "";
  waiting = false;
  offline = false;
  call = null;
  message = null;
  prompt = null;
  sentAt = null; // of the SMS whose answer is waited for
  paid = false; // whether a prompt was approved since this phone has its owner
  thread = []; // SMS of both directions, the oldest first
  chosen = 0;
  read = new Set();
  keypad = new Keypad();
  #known = null;
  #answered = new Set();

  constructor(section, { service_code: code, short_code: shortCode }, drawn) {
    Object.assign(this, { section, code, shortCode, drawn });
    this.#listen();
    this.#poll();
  }

  part(name) {
    return this.section.querySelector(`.${name}`);
  }

  /* Where the view is typed into: one line, or the room of an SMS. */
  get field() {
    return this.part(this.view === "write" ? "text" : "line");
  }

  draw() {
    draw(this);
    this.drawn(this);
  }

  #listen() {
    const keys = this.part("keys");
    keys.addEventListener("click", ({ target }) => {
      const key = target.closest("[data-key]")?.dataset.key;
      if (key) this.press(key);
    });
    // A mouse on a key puts the focus into this phone's field, not onto the key, so that typing goes on there.
    keys.addEventListener("mousedown", (event) => {
      event.preventDefault();
      document.activeElement.blur();
      this.focus();
    });
    this.part("entry").addEventListener("submit", (event) => {
      event.preventDefault();
      this.press("green");
    });
    for (const field of this.section.querySelectorAll(".field"))
      field.addEventListener("input", () => {
        this.keypad.settle();
        this.draw();
      });
    this.part("mode").addEventListener("click", () => this.switchLetters());
    this.part("unread").addEventListener("click", () => this.openInbox());
    for (const side of ["left", "right"])
      this.part(`softs .${side}`).addEventListener("click", () => this.press(side));
    for (const button of this.section.querySelectorAll("[data-answer]"))
      button.addEventListener("click", () => this.settle(button.dataset.answer));
  }

  belongTo(number) {
    this.#drop();
    this.number = number;
    this.read = new Set(JSON.parse(localStorage.getItem(`read ${number}`) ?? "[]"));
    Object.assign(this, { prompt: null, sentAt: null, paid: false, thread: [] });
    this.#known = null;
    this.part("own").textContent = number;
    this.section.setAttribute("aria-label", say("phone", { number }));
    this.home();
  }

  /* A touch screen would cover the phone with its own keyboard: there, only a finger on the field opens it. */
  focus() {
    if (matchMedia("(pointer: fine)").matches) this.field.focus({ preventScroll: true });
  }

  get unread() {
    return this.thread.filter((one) => this.isNew(one)).length;
  }

  isNew({ id, sent }) {
    return !sent && !this.read.has(id);
  }

  /* Nothing came after this SMS of ours, and something should have by now. */
  isSilent(message) {
    const next = this.thread[this.thread.indexOf(message) + 1];
    return message.sent && (!next || next.sent) && Date.now() - Date.parse(message.at) > SILENCE_MS;
  }

  /* ---- keys ---- */

  press(key) {
    const view = VIEWS[this.view](this);
    if (/^[0-9*#]$/.test(key)) this.#type(key, view);
    else if (key === "up" || key === "down") this.#move(key === "up" ? -1 : 1);
    else if (key === "red" || key === "right" || !this.waiting) view[key][1]();
    this.draw();
  }

  /* Enter does what the screen offers first: opens in a list, else it is the green key. */
  enter() {
    this.press(this.view === "inbox" && this.thread.length ? "left" : "green");
  }

  erase() {
    this.keypad.settle();
    this.field.value = this.field.value.slice(0, -1);
    this.draw();
  }

  /* Letters from a keyboard, while the focus is elsewhere on the page. */
  write(letter) {
    this.keypad.settle();
    if (VIEWS[this.view](this).asks && !this.waiting && this.#room) this.field.value += letter;
    this.draw();
  }

  fill(text) {
    this.keypad.settle();
    this.field.value = text;
    this.draw();
  }

  switchLetters() {
    this.keypad.settle();
    this.keypad.letters = !this.keypad.letters;
    this.draw();
  }

  get #room() {
    return this.field.value.length < this.field.maxLength;
  }

  #type(digit, view) {
    const key = this.section.querySelector(`[data-key="${CSS.escape(digit)}"]`);
    key.classList.add("pressed");
    setTimeout(() => key.classList.remove("pressed"), 130);
    if (!view.asks || this.waiting) return;
    if (digit === "#" && view.both) this.switchLetters();
    else this.field.value = this.keypad.type(digit, this.field.value, this.#room);
    this.field.scrollTop = this.field.scrollHeight;
    // The last letter is settled after a second: whoever watches the field learns of it.
    setTimeout(() => this.drawn(this), 1050);
  }

  #move(step) {
    if (this.view === "inbox") this.chosen = Math.max(0, Math.min(this.thread.length - 1, this.chosen + step));
    else this.part("view").scrollBy({ top: step * 60, behavior: "smooth" });
  }

  #take() {
    const typed = this.field.value;
    this.field.value = "";
    return typed;
  }

  #go(view, more = {}) {
    Object.assign(this, { view, notice: "", ...more });
    for (const field of this.section.querySelectorAll(".field")) field.value = "";
    this.keypad.settle();
    this.keypad.letters = VIEWS[view](this).letters ?? false;
    this.part("view").scrollTop = 0;
    this.draw();
  }

  home(notice = "") {
    this.#go("home", { notice: notice || (this.unread ? say("new_messages", { n: this.unread }) : "") });
  }

  /* ---- calls ---- */

  /* Only the service can be reached: whatever else is typed is told so, and not dialled. */
  dial() {
    const dialled = this.#take().trim() || this.code;
    const below = `${this.code.slice(0, -1)}*`;
    if (dialled === this.code || (dialled.startsWith(below) && dialled.endsWith("#")))
      this.#talk(network.dial(this.number, dialled, this.gateway));
    else this.home(say("not_the_service", { dialled }));
  }

  answer() {
    this.#talk(network.answerCall(this.call, this.#take()));
  }

  hangUp() {
    this.#drop();
    this.home();
  }

  #drop() {
    if (this.call) network.hangUp(this.call).catch(() => {});
    Object.assign(this, { call: null, waiting: false });
  }

  async #talk(request) {
    const number = this.number;
    this.#go("call", { waiting: true });
    const call = await request.catch(() => ({ state: "ended", screen: "" }));
    if (this.number === number && this.view === "call") this.#show(call);
    else if (call.state === "open") network.hangUp(call.id).catch(() => {});
  }

  #show(call) {
    const open = call.state === "open";
    this.#go(open ? "call" : "ended", { waiting: false, call: open ? call.id : null, words: call.screen });
  }

  /* ---- messages ---- */

  openInbox() {
    if (this.view === "call" || this.prompt) return;
    const first = this.thread.findIndex((one) => this.isNew(one));
    this.#go("inbox", { chosen: first < 0 ? Math.max(0, this.thread.length - 1) : first });
  }

  openChosen(position = this.chosen) {
    const message = this.thread[position];
    if (!message) return;
    this.read.add(message.id);
    localStorage.setItem(`read ${this.number}`, JSON.stringify([...this.read].slice(-READ_KEPT)));
    this.#go("message", { message, chosen: position });
  }

  openNext() {
    if (this.chosen + 1 < this.thread.length) this.openChosen(this.chosen + 1);
    else this.home();
  }

  compose() {
    this.#go("write");
  }

  async sendSms() {
    const text = this.field.value.trim();
    if (!text) return;
    const number = this.number;
    this.#go("ended", { words: say("sent"), sentAt: Date.now() });
    try {
      await network.writeSms(number, text, this.provider);
    } catch {
      if (this.number === number) this.#go("ended", { words: say("unsent"), sentAt: null });
    }
  }

  /* ---- payments ---- */

  approve() {
    if (/^\d{4}$/.test(this.#take())) this.settle("approve");
    else this.notice = say("four_figures");
  }

  async settle(answer) {
    const { id } = this.prompt;
    this.#answered.add(id);
    this.#go("ended", { prompt: null, words: say("wait") });
    try {
      await network.answerPrompt(id, answer);
      this.#go("ended", { words: say(SETTLED[answer] ?? "paid"), paid: !(answer in SETTLED) });
    } catch (fault) {
      this.#go("ended", { words: fault instanceof network.Offline ? "" : say("void") });
    }
  }

  /* ---- what arrives ---- */

  async #poll() {
    const number = this.number;
    try {
      if (number && !document.hidden) {
        const asked = [network.received(number), network.written(number), network.prompts(number)];
        const [received, written, prompts] = await Promise.all(asked);
        const call = this.call && !this.waiting ? await network.lookAtCall(this.call) : null;
        if (number === this.number) this.#arrive(threaded(received, written), prompts, call);
      }
      this.offline = false;
    } catch {
      this.offline = true;
    }
    if (number) this.draw();
    setTimeout(() => this.#poll(), this.offline ? OFFLINE_POLL_MS : number ? POLL_MS : FIRST_POLL_MS);
  }

  #arrive(thread, prompts, call) {
    const received = thread.filter(({ sent }) => !sent);
    const fresh = this.#known === null ? [] : received.filter(({ id }) => !this.#known.has(id));
    const untouched = this.view === "home" && !this.field.value;
    const first = this.#known === null;
    this.#known = new Set(received.map(({ id }) => id));
    this.#keepChosen(thread);
    if (first && untouched) this.home();
    if (call && call.id === this.call && call.state === "ended") this.#show(call);
    const waiting = prompts.filter(({ id }) => !this.#answered.has(id));
    if (this.prompt && waiting.every(({ id }) => id !== this.prompt.id)) this.#go("ended", { prompt: null, words: say("void") });
    if (waiting.length && !this.prompt && this.view !== "call") {
      this.#go("prompt", { prompt: waiting[0] });
      this.#ring();
    } else if (fresh.length) this.#hear(fresh[0], untouched);
    else if (this.sentAt && Date.now() - this.sentAt > SILENCE_MS) {
      if (this.view === "ended") this.#go("ended", { words: say("silence") });
      this.sentAt = null;
    }
  }

  #keepChosen(thread) {
    const chosen = this.thread[this.chosen]?.id;
    this.thread = thread;
    if (chosen) this.chosen = Math.max(0, thread.findIndex(({ id }) => id === chosen));
  }

  /* The answer that was waited for opens by itself; anything else is announced. */
  #hear(message, untouched) {
    this.#ring();
    if (this.sentAt && this.view === "ended") this.openChosen(this.thread.indexOf(message));
    else if (untouched) this.home();
    this.sentAt = null;
  }

  #ring() {
    const handset = this.part("handset");
    handset.classList.remove("rings");
    requestAnimationFrame(() => handset.classList.add("rings"));
  }
}

/* Both lists come newest first. */
function threaded(received, written) {
  const both = [...received, ...written.map((message) => ({ ...message, sent: true }))];
  return both.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
