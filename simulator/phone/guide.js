/* Scenarios that lead by the hand. A step looks at the screens, as somebody beside the caller would: whoever leaves the
   way and comes back is met where she is. */

import { keyOf } from "./keypad.js";
import { digit, facts, say } from "./words.js";

const PIN = "2580"; // any four figures
const PEOPLE = { member: "+22370000001", owes: "+22370000002", doctor: "+22370000004", collector: "+22370000005" };

/* A number that is nobody's yet: whoever joins twice is a member the second time. */
const stranger = () => `+2237000${String(200 + Math.floor(Math.random() * 9700)).padStart(4, "0")}`;

const at = (view) => (phone) => phone.view === view;
const home = at("home");
const sees = (question) => (phone) => phone.view === "call" && facts(phone.words, question);
const option = (name) => (phone) => phone.view === "call" && !phone.waiting && digit(phone.words, name);
const pinOf = ({ number }) => `work PIN ${number}`;

/* Each step: who: which phone; on: whether it is what to do now; type: what to type, if anything; key: else the key to
   press; what and how: its words. `known` gathers what the screens have told. */
const dial = (who, what, when) => ({ who, what, how: "do_call", key: () => "green", on: (phone, known) => home(phone) && when(known) });
const choose = (who, what, name, when = () => true) => ({
  who, what, how: "do_type", on: (phone, known) => option(name)(phone) && when(known), type: (phone) => option(name)(phone),
});
const tell = (who, what, question, text) => ({ who, what, how: "do_type", on: sees(question), type: text });
const read = (who, what, when) => ({ who, what, how: "do_read", key: () => "green", on: (phone, known) => phone.view === "ended" && when(known) });

/* From the home screen, or the last one of a call, to the newest message. */
const open = (who, what, when) => ({
  who, what, how: "do_open", key: (phone) => (phone.view !== "ended" ? phone.unread && "left" : phone.sentAt ? null : "green"),
  on: (phone, known) => when(known, phone) && ["ended", "home", "inbox"].includes(phone.view),
});

/* Steps that are one line of the list. */
const part = (name, steps) => steps.map((step) => ({ ...step, part: name }));

/* She joins and pays all, or a part: `way` is the option. */
const joining = (way, what) => ({
  phones: [stranger],
  steps: [
    dial(0, "call", (known) => !known.number),
    choose(0, "what_join", "join"),
    tell(0, "what_place", "place", () => "fana"),
    tell(0, "what_name", "name", () => "awa kone"),
    tell(0, "what_ages", "ages", () => "45*38*12*7"),
    { who: 0, what: "what_product", how: "do_type", on: family, type: family },
    choose(0, what, way),
    choose(0, "what_agree", "agree"),
    read(0, "what_number", (known) => known.number && !known.paid),
    { who: 0, what: "what_pin", how: "do_type", on: (phone, known) => at("prompt")(phone) || (home(phone) && known.number && !known.paid),
      type: (phone) => at("prompt")(phone) && PIN },
    open(0, "what_receipt", (known) => known.paid),
  ],
  learn([phone], known) {
    if (at("ended")(phone)) known.number ??= /\d{3} \d{3} \d{3}/.exec(phone.words)?.[0];
    known.paid ||= phone.paid;
    known.done ||= known.paid && at("message")(phone);
  },
  done: "done_join",
});

const JOIN = joining("all", "what_all");

/* A household that owes, for the scenario of the collector: it plays as often as one likes. */
const OWING = {
  ...joining("part", "what_part"),
  done: "done_owing",
  onwards: ([phone]) => ({ words: "cash", scenario: "cash", phone2: phone.number.slice(1) }),
};

/* A product's name is the mutuelle's own, the same in every language. */
function family(phone) {
  return at("call")(phone) ? (/^(\d+) Famille/m.exec(phone.words)?.[1] ?? null) : null;
}

const DOCTOR = {
  phones: [() => PEOPLE.member, () => PEOPLE.doctor],
  steps: [
    dial(0, "call", (known) => !known.code),
    choose(0, "what_code", "care_code"),
    tell(0, "what_patient", "patient", () => "1"),
    choose(0, "what_yes", "yes"),
    read(0, "what_tells", (known) => known.code),
    { who: 1, what: "what_doctor", how: "what_green_write", key: (phone) => (home(phone) ? "left" : "green"),
      on: (phone, known) => known.code && !known.asked && ["home", "inbox", "message"].includes(phone.view) },
    { who: 1, what: "what_verif", how: "do_type", on: (phone, known) => known.code && at("write")(phone),
      type: (_phone, known) => `VERIF ${known.number} ${known.code}` },
    open(1, "what_verdict", (known) => known.asked),
  ],
  learn([patient, doctor], known) {
    if (at("ended")(patient)) Object.assign(known, facts(patient.words, "code"));
    known.asked ||= Boolean(known.code && doctor.sentAt);
    known.done ||= known.asked && at("message")(doctor) && !doctor.message.sent;
  },
  done: "done_doctor",
};

const CASH = {
  phones: [() => PEOPLE.collector, () => PEOPLE.owes],
  steps: [
    part("what_cover", [
      dial(1, "call", (known) => !known.household),
      choose(1, "what_cover", "my_cover"),
      read(1, "what_owes", (known) => known.household && !known.noted),
    ]),
    part("what_draw", [
      dial(0, "call", (known) => known.household && !known.pin),
      choose(0, "what_work", "my_work", (known) => !known.pin),
      choose(0, "what_draw", "my_pin", (known) => !known.pin),
      choose(0, "what_yes", "yes", (known) => !known.pin),
      read(0, "what_drawn", (known) => known.pin && !known.asked),
    ]),
    part("what_cash", [
      dial(0, "call", (known) => known.pin && !known.asked),
      choose(0, "what_work", "my_work"),
      choose(0, "what_cash", "cash"),
    ]),
    tell(0, "what_household", "household", (_phone, known) => known.household),
    tell(0, "what_amount", "amount", (phone) => facts(phone.words, "amount").most.replace(/\D/g, "")),
    choose(0, "what_today", "today"),
    tell(0, "what_work_pin", "work_pin", (_phone, known) => known.pin ?? ""),
    read(0, "what_noted", (known) => known.asked && !known.nothing),
    open(1, "what_receipt", (known) => known.noted),
  ].flat(),
  begin: ([collector], known) => (known.pin = localStorage.getItem(pinOf(collector)) ?? undefined),
  learn([collector, member], known) {
    if (at("ended")(member)) {
      known.household ??= /\d{3} \d{3} \d{3}/.exec(member.words)?.[0].replaceAll(" ", "");
      known.nothing ||= !known.noted && ["covered_paid", "waits_paid"].some((said) => facts(member.words, said));
    }
    if (at("ended")(collector)) {
      const drawn = facts(collector.words, "pin_shown")?.pin;
      if (drawn) localStorage.setItem(pinOf(collector), (known.pin = drawn));
      known.nothing ||= known.last === "what_household";
    }
    if (sees("work_pin")(collector)) Object.assign(known, { asked: true, before: member.thread.length });
    known.noted ||= known.asked && member.thread.length > known.before;
    known.done ||= known.noted && at("message")(member);
  },
  done: "done_cash",
};

export const SCENARIOS = { join: JOIN, doctor: DOCTOR, cash: CASH, owing: OWING };

export class Guide {
  #known = {};
  #step = 0;
  #begun = false;

  /* `turnTo` brings the phone of a step to the front; `link` is the address of another scenario. */
  constructor(scenario, place, turnTo, link) {
    Object.assign(this, { scenario, place, turnTo, link });
    place.hidden = false;
    this.parts = scenario.steps.map(({ what, part = what }) => part);
    this.titles = this.parts.filter((name, nth, all) => name !== all[nth - 1]);
    this.part("steps").append(...this.titles.map((what) => Object.assign(document.createElement("li"), { textContent: say(what) })));
    this.part("typing").addEventListener("click", () => this.#type());
  }

  part(name) {
    return this.place.querySelector(`.${name}`);
  }

  /* Look at the phones as they are now: what is learned, which step it is, which key is next. */
  look(phones) {
    const { scenario } = this;
    this.phones = phones;
    if (!this.#begun) scenario.begin?.(phones, this.#known);
    this.#begun = true;
    scenario.learn(phones, this.#known);
    if (phones.some(({ waiting }) => waiting)) return this.#point(null);
    const found = this.#find();
    const moved = found && found !== this.step;
    this.step = found;
    if (found) Object.assign(this, { last: this.#known.last = found.what });
    if (moved) this.turnTo(found.who);
    this.#show();
  }

  /* The first step from here on that fits what is seen; else an earlier one, for whoever had to begin again. */
  #find() {
    const { steps } = this.scenario;
    const fits = ({ who, on }) => on(this.phones[who], this.#known);
    if (this.#known.done || this.#known.nothing) return null;
    const ahead = steps.findIndex((step, nth) => nth >= this.#step && fits(step));
    const nth = ahead >= 0 ? ahead : steps.findIndex(fits);
    if (nth >= 0) this.#step = nth;
    return steps[nth] ?? null;
  }

  #wanted() {
    return (this.step?.type && this.step.type(this.phones[this.step.who], this.#known)) || "";
  }

  #type() {
    const phone = this.phones[this.step.who];
    phone.fill(this.#wanted());
    phone.focus();
  }

  #show() {
    const { step } = this;
    const wanted = this.#wanted();
    const nth = this.#known.done ? this.titles.length : this.titles.indexOf(this.parts[this.#step]);
    const items = [...this.part("steps").children];
    items.forEach((item, position) => {
      item.className = position < nth ? "did" : position === nth ? "doing" : "";
      if (position === nth) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const counted = say("step", { n: Math.min(nth + 1, this.titles.length), of: this.titles.length });
    write(this.part("counted"), this.#known.done ? "✓" : counted);
    write(this.part("whose"), step && this.phones.length > 1 ? `${this.phones[step.who].part("role").textContent} ·` : "");
    write(this.part("todo"), this.#words(wanted));
    this.part("typing").hidden = wanted.length < 2;
    this.#showAgain();
    this.#point(step ? this.#next(this.phones[step.who], wanted) : null);
  }

  /* Once more; or the scenario that is to be played next. */
  #showAgain() {
    const { done, nothing } = this.#known;
    const again = this.part("again");
    again.hidden = !done && !nothing;
    const next = nothing ? { words: "make_owing", scenario: "owing" } : done && this.scenario.onwards?.(this.phones);
    if (!next) return;
    const { words, ...changes } = next;
    again.href = this.link({ phones: null, phone1: null, phone2: null, ...changes });
    write(again, say(words));
  }

  #words(wanted) {
    const { step } = this;
    if (this.#known.done) return say(this.scenario.done);
    if (this.#known.nothing) return say("nothing_due");
    if (!step) return say("stray");
    if (step.type && !wanted && step.what === "what_work_pin") return say("own_pin");
    if (step.type ? !wanted : !step.key(this.phones[step.who])) return `${say(step.what)}…`;
    const how = step.how === "do_open" && step.key(this.phones[step.who]) === "green" ? "do_read" : step.how;
    return say(how, { what: say(step.what), text: wanted.toUpperCase() });
  }

  /* The key to press next: of what is to be typed the next one, then the green key. */
  #next(phone, wanted) {
    if (this.step.key) return this.step.key(phone);
    if (!wanted) return null;
    const { pending } = phone.keypad;
    const typed = plain(phone.field.value);
    const aim = plain(wanted);
    if (typed === aim) return "green";
    if (aim.startsWith(typed)) {
      const key = this.#keyFor(phone, aim[typed.length]);
      return key === pending ? null : key; // two letters of one key: the first must settle
    }
    const before = typed.slice(0, -1);
    return pending && aim.startsWith(before) && keyOf(aim[before.length]) === pending ? pending : "right";
  }

  #keyFor(phone, letter) {
    const either = phone.part("mode").hidden || !/[a-z0-9 ]/.test(letter);
    return either || /[a-z ]/.test(letter) === phone.keypad.letters ? keyOf(letter) : "mode";
  }

  #point(key) {
    const step = this.step;
    for (const [nth, phone] of this.phones.entries())
      for (const button of phone.section.querySelectorAll("[data-key], .mode")) {
        const name = button.dataset.key ?? "mode";
        button.classList.toggle("hint", Boolean(step) && nth === step.who && name === key);
      }
  }
}

const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/* Written only when it changes: a screen reader says it again each time. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
