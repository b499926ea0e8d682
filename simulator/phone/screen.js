/* The screen of a phone: one row of the table a view, and how it is drawn.
   Everything from outside is shown as text, never as markup. */

import { segments } from "./segments.js";
import { day, facts, hour, money, say } from "./words.js";

const LONGEST_SMS = 459; // three segments
const ASKED_IN_LETTERS = ["place", "name"];

const eraseOr = (phone, [name, otherwise]) =>
  phone.field.value ? [say("erase"), () => phone.erase()] : [name && say(name), otherwise];
const key = (name, does) => [say(name), does];

/* words: what the screen says; asks: the field's label, when there is one; both: letters and figures, and which first;
   then what each key is called and does. */
export const VIEWS = {
  home: (phone) => ({
    words: phone.offline ? say("no_network") : phone.notice || say("idle"),
    asks: say("number"),
    left: key(phone.unread ? "read" : "messages", () => phone.openInbox()),
    right: eraseOr(phone, ["", () => {}]),
    green: key("call", () => phone.dial()),
    red: key("erase_all", () => phone.home()),
  }),
  call: (phone) => ({
    words: phone.waiting ? say("wait") : phone.words,
    asks: say("answer"),
    both: true,
    letters: !phone.waiting && asksLetters(phone.words),
    left: key("send", () => phone.answer()),
    right: eraseOr(phone, ["hang_up", () => phone.hangUp()]),
    green: key("send", () => phone.answer()),
    red: key("hang_up", () => phone.hangUp()),
  }),
  ended: (phone) => ({
    words: phone.words || say("no_network"),
    left: key("ok", () => phone.home()),
    right: ["", () => {}],
    green: key("ok", () => phone.home()),
    red: key("close", () => phone.home()),
  }),
  inbox: (phone) => ({
    words: say(phone.thread.length ? "thread" : "no_messages"),
    list: phone.thread,
    left: phone.thread.length ? key("open", () => phone.openChosen()) : key("write", () => phone.compose()),
    right: key("back", () => phone.home()),
    green: key("write", () => phone.compose()),
    red: key("close", () => phone.home()),
  }),
  message: (phone) => ({
    words: `${heading(phone, phone.message)}\n\n${phone.message.text}`,
    left: key("next", () => phone.openNext()),
    right: key("back", () => phone.openInbox()),
    green: key("reply", () => phone.compose()),
    red: key("close", () => phone.home()),
  }),
  write: (phone) => ({
    words: `${say("sms_to", { short_code: phone.shortCode })}${phone.thread.length ? "" : ` · ${say("for_example")}`}`,
    asks: say("your_sms"),
    both: true,
    letters: true,
    left: key("send", () => phone.sendSms()),
    right: eraseOr(phone, ["back", () => phone.openInbox()]),
    green: key("send", () => phone.sendSms()),
    red: key("close", () => phone.home()),
  }),
  prompt: (phone) => ({
    words: `${phone.prompt.title && `${phone.prompt.title}\n`}${say("pay_question", { amount: money(phone.prompt) })}\n${phone.prompt.note}\n\n${phone.notice || say("any_pin")}`,
    asks: say("pin"),
    secret: true,
    left: key("pay", () => phone.approve()),
    right: eraseOr(phone, ["refuse", () => phone.settle("decline")]),
    green: key("pay", () => phone.approve()),
    red: key("refuse", () => phone.settle("decline")),
  }),
};

/* A name, and no list to choose from by a digit (98 and 99 lead away from the question). */
function asksLetters(screen) {
  return !/^(?!9[89] )[1-9]\d? /m.test(screen) && ASKED_IN_LETTERS.some((question) => facts(screen, question));
}

function heading(phone, message) {
  const today = new Date().toDateString() === new Date(message.at).toDateString();
  const time = today ? hour(message.at) : `${day(message.at)} ${hour(message.at)}`;
  const silent = phone.isSilent(message) ? ` · ${say("no_answer_yet")}` : "";
  return `${message.sent ? say("you") : message.from} · ${time}${silent}`;
}

export function draw(phone) {
  const view = VIEWS[phone.view](phone);
  phone.part("screen").dataset.view = phone.view;
  phone.part("screen").setAttribute("aria-busy", String(phone.waiting));
  phone.part("handset").dataset.view = phone.view;
  write(phone.part("words"), view.words);
  write(phone.part("softs .left"), phone.waiting ? "" : view.left[0]);
  write(phone.part("softs .right"), view.right[0]);
  write(phone.part("clock"), hour(Date.now()));
  nameKeys(phone, { left: view.left[0], right: view.right[0] || say("no_effect"), green: view.green[0], red: view.red[0] });
  drawEntry(phone, view);
  fitWords(phone);
  drawUnread(phone);
  drawThread(phone, view.list ?? []);
  phone.part("others").hidden = phone.view !== "prompt";
  phone.section.classList.toggle("offline", phone.offline);
}

/* Written only when it changes: a screen reader says it again each time. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* A screen as long as a network allows is set smaller rather than hidden below the edge. */
function fitWords(phone) {
  const view = phone.part("view");
  if (view.dataset.fits === phone.part("words").textContent) return;
  view.dataset.fits = phone.part("words").textContent;
  view.classList.remove("small", "smaller");
  for (const size of ["small", "smaller"])
    if (view.scrollHeight > view.clientHeight) view.classList.add(size);
}

function nameKeys(phone, names) {
  for (const [key, name] of Object.entries(names))
    phone.section.querySelector(`[data-key="${key}"]`).setAttribute("aria-label", name);
}

function drawEntry(phone, { asks, secret, both }) {
  const entry = phone.part("entry");
  const appears = asks && (entry.hidden || phone.field.hidden);
  entry.hidden = !asks;
  write(phone.part("asks"), asks ?? "");
  const [line, text] = [phone.part("line"), phone.part("text")];
  text.hidden = phone.field !== text;
  line.hidden = !text.hidden;
  text.maxLength = LONGEST_SMS;
  line.type = secret ? "password" : "text";
  line.inputMode = secret ? "numeric" : "text";
  line.maxLength = secret ? 4 : 160;
  drawMode(phone, both);
  drawCount(phone.part("count"), text);
  if (appears && [document.body, line, text].includes(document.activeElement)) phone.focus();
}

function drawMode(phone, both) {
  const mode = phone.part("mode");
  mode.hidden = !both;
  write(mode, phone.keypad.letters ? "abc" : "123");
  mode.setAttribute("aria-label", say(phone.keypad.letters ? "to_figures" : "to_letters"));
}

function drawCount(count, text) {
  count.hidden = text.hidden;
  const { alphabet, segments: n, left } = segments(text.value);
  write(count, `${say("count", { left, n })} · ${alphabet}`);
}

function drawUnread(phone) {
  const unread = phone.part("unread");
  unread.hidden = !phone.unread;
  write(unread, `✉ ${phone.unread}`);
  unread.setAttribute("aria-label", say("unread", { n: phone.unread }));
}

function drawThread(phone, thread) {
  const list = phone.part("list");
  const wanted = thread.map(({ id }) => id).join();
  list.hidden = !thread.length;
  if (list.dataset.holds !== wanted) {
    list.dataset.holds = wanted;
    list.replaceChildren(...thread.map((message, position) => line(phone, message, position)));
  }
  thread.forEach((message, position) => {
    const item = list.children[position];
    const chosen = position === phone.chosen;
    write(item.querySelector("small"), heading(phone, message));
    item.classList.toggle("chosen", chosen);
    item.classList.toggle("new", phone.isNew(message));
    item.firstElementChild.setAttribute("aria-current", String(chosen));
    if (chosen && list.dataset.chosen !== message.id) {
      list.dataset.chosen = message.id;
      item.scrollIntoView({ block: "nearest" });
    }
  });
  if (!thread.length) delete list.dataset.chosen;
}

function line(phone, message, position) {
  const item = document.createElement("li");
  item.className = message.sent ? "out" : "in";
  const button = Object.assign(document.createElement("button"), { type: "button" });
  const text = Object.assign(document.createElement("span"), { textContent: message.text });
  button.append(document.createElement("small"), text);
  button.addEventListener("click", () => phone.openChosen(position));
  item.append(button);
  return item;
}
