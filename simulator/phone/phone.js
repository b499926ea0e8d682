/* One phone: what its keys do and what reaches it. `screen.js` says how that looks. */

import * as network from "./network.js";
import { draw, VIEWS } from "./screen.js";

const POLL_MS = 1000;
const FIRST_POLL_MS = 20; // until it is known whose phone it is
const OFFLINE_POLL_MS = 4000;
const READ_KEPT = 300;
const SETTLED = { decline: "Paiement refusé.", ignore: "Demande laissée sans réponse." };
const SENT = "Message envoyé.\nLa réponse arrive par SMS.";
const UNSENT = "Le message n’est pas parti.";
const VOID = "Cette demande n’est plus valable.";

export class Phone {
  view = "home";
  words = "";
  notice = "";
  waiting = false;
  offline = false;
  call = null;
  message = null;
  prompt = null;
  awaiting = false;
  messages = [];
  chosen = 0;
  read = new Set();
  #known = null;
  #answered = new Set();

  constructor(section, { service_code: code, short_code: shortCode }) {
    this.section = section;
    this.code = code;
    this.shortCode = shortCode;
    this.field = this.part("field");
    this.#listen();
    this.#poll();
  }

  part(name) {
    return this.section.querySelector(`.${name}`);
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
    this.field.addEventListener("input", () => draw(this));
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
    Object.assign(this, { prompt: null, awaiting: false, messages: [] });
    this.#known = null;
    this.part("own").textContent = number;
    this.section.setAttribute("aria-label", `Téléphone ${number}`);
    this.home();
  }

  /* A touch screen would cover the phone with its own keyboard: there, only a finger on the field opens it. */
  focus() {
    if (matchMedia("(pointer: fine)").matches) this.field.focus({ preventScroll: true });
  }

  get unread() {
    return this.messages.filter(({ id }) => !this.read.has(id)).length;
  }

  /* ---- keys ---- */

  press(key) {
    const view = VIEWS[this.view](this);
    if (/^[0-9*#]$/.test(key)) this.#type(key, view);
    else if (key === "up" || key === "down") this.#move(key === "up" ? -1 : 1);
    else if (key === "red" || key === "right" || !this.waiting) view[key][1]();
    draw(this);
  }

  erase() {
    this.field.value = this.field.value.slice(0, -1);
    draw(this);
  }

  #type(digit, view) {
    const key = this.section.querySelector(`[data-key="${CSS.escape(digit)}"]`);
    key.classList.add("down");
    setTimeout(() => key.classList.remove("down"), 130);
    if (view.asks && !this.waiting && this.field.value.length < this.field.maxLength) this.field.value += digit;
  }

  #move(step) {
    if (this.view === "inbox") this.chosen = Math.max(0, Math.min(this.messages.length - 1, this.chosen + step));
    else this.part("view").scrollBy({ top: step * 60, behavior: "smooth" });
  }

  #take() {
    const typed = this.field.value;
    this.field.value = "";
    return typed;
  }

  #go(view, more = {}) {
    Object.assign(this, { view, notice: "", ...more });
    this.field.value = "";
    this.part("view").scrollTop = 0;
    draw(this);
  }

  home() {
    const notice = { 0: "", 1: "1 nouveau message" }[this.unread] ?? `${this.unread} nouveaux messages`;
    this.#go("home", { notice });
  }

  /* ---- calls ---- */

  dial() {
    this.#talk(network.dial(this.number, this.#take().trim() || this.code));
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
    const first = this.messages.findIndex(({ id }) => !this.read.has(id));
    this.#go("inbox", { chosen: Math.max(0, first) });
  }

  openChosen(position = this.chosen) {
    const message = this.messages[position];
    if (!message) return;
    this.read.add(message.id);
    localStorage.setItem(`read ${this.number}`, JSON.stringify([...this.read].slice(-READ_KEPT)));
    this.#go("message", { message, chosen: position });
  }

  openNext() {
    if (this.chosen + 1 < this.messages.length) this.openChosen(this.chosen + 1);
    else this.home();
  }

  write() {
    this.#go("write");
  }

  async sendSms() {
    const text = this.field.value.trim();
    if (!text) return;
    const number = this.number;
    this.#go("ended", { words: SENT, awaiting: true });
    try {
      await network.writeSms(number, text);
    } catch {
      if (this.number === number) this.#go("ended", { words: UNSENT, awaiting: false });
    }
  }

  /* ---- payments ---- */

  approve() {
    if (/^\d{4}$/.test(this.#take())) this.settle("approve");
    else this.notice = "Le PIN a 4 chiffres.";
  }

  async settle(answer) {
    const { id } = this.prompt;
    this.#answered.add(id);
    this.#go("ended", { prompt: null, words: "Un instant…" });
    try {
      await network.answerPrompt(id, answer);
      this.#go("ended", { words: SETTLED[answer] ?? "C’est fait.\nUn SMS suivra." });
    } catch (fault) {
      this.#go("ended", { words: fault instanceof network.Offline ? "" : VOID });
    }
  }

  /* ---- what arrives ---- */

  async #poll() {
    const number = this.number;
    try {
      if (number && !document.hidden) {
        const [messages, prompts] = await Promise.all([network.messages(number), network.prompts(number)]);
        const call = this.call && !this.waiting ? await network.lookAtCall(this.call) : null;
        const waiting = prompts.filter(({ id }) => !this.#answered.has(id));
        if (number === this.number) this.#arrive(messages, waiting, call);
      }
      this.offline = false;
    } catch {
      this.offline = true;
    }
    if (number) draw(this);
    setTimeout(() => this.#poll(), this.offline ? OFFLINE_POLL_MS : number ? POLL_MS : FIRST_POLL_MS);
  }

  #arrive(messages, prompts, call) {
    const fresh = this.#known !== null && messages.some(({ id }) => !this.#known.has(id));
    const untouched = this.view === "home" && !this.field.value;
    this.chosen += this.messages.length ? messages.length - this.messages.length : 0;
    this.messages = messages;
    if (this.#known === null && untouched) this.home();
    this.#known = new Set(messages.map(({ id }) => id));
    if (call && call.id === this.call && call.state === "ended") this.#show(call);
    if (this.prompt && prompts.every(({ id }) => id !== this.prompt.id)) this.#go("ended", { prompt: null, words: VOID });
    if (prompts.length && !this.prompt && this.view !== "call") {
      this.#go("prompt", { prompt: prompts[0] });
      this.#ring();
    } else if (fresh) {
      this.#ring();
      if (this.awaiting && this.view === "ended") this.openChosen(0);
      else if (untouched) this.home();
      this.awaiting = false;
    }
  }

  #ring() {
    const handset = this.part("handset");
    handset.classList.remove("rings");
    requestAnimationFrame(() => handset.classList.add("rings"));
  }
}
