/* The page: how many phones lie on it, whose they are, and which of them the keyboard speaks to. */

import { Guide, SCENARIOS } from "./guide.js";
import { KEYS } from "./keypad.js";
import { about, checkNumber } from "./network.js";
import { Phone } from "./phone.js";
import { LANGUAGE, say } from "./words.js";

const PEOPLE = [
  ["of_sik", [
    ["+22370000001", "paid_up"],
    ["+22370000002", "in_arrears"],
    ["+22370000003", "treasurer"],
    ["+22370000013", "second_treasurer"],
    ["+22370000004", "referent"],
    ["+22370000005", "collector"],
    ["+22379946901", "enroller"],
  ]],
  ["of_two", [["+22370000006", "in_two"]]],
  ["of_none", [["+22370000100", "villager"]]],
];
const USUAL = ["+22370000100", "+22370000003"]; // whose the first and the second phone are at first
const OTHER = "other";
const NUMBER = /^\+[1-9]\d{7,14}$/;

const address = new URL(location.href);
const scenario = SCENARIOS[address.searchParams.get("scenario")] ?? null;
const asked = Math.min(2, Math.max(1, Number(address.searchParams.get("phones")) || 1));
const count = scenario ? scenario.phones.length : asked;
let active = null;
let phones = [];

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/* Without its country, in pairs, as it is said: 70 00 00 01. */
const spaced = (number) => number.slice(4).replace(/(..)(?=.)/g, "$1 ");

const whoIs = (number) => PEOPLE.flatMap(([, people]) => people).find(([one]) => one === number)?.[1] ?? "villager";

function fillWho(select) {
  for (const [group, people] of PEOPLE) {
    const options = people.map(([value, who]) => element("option", { value, textContent: `${say(who)}, ${spaced(value)}` }));
    select.append(element("optgroup", { label: say(group) }, ...options));
  }
  select.append(element("option", { value: OTHER, textContent: say("other") }));
}

function fillPad(pad) {
  for (const [key, letters] of KEYS) {
    const button = element("button", { type: "button" }, element("b", { textContent: key }));
    button.dataset.key = key;
    button.setAttribute("aria-label", { "*": say("star"), "#": say("hash") }[key] ?? key);
    button.append(element("small", { textContent: letters }));
    pad.append(button);
  }
}

function layPhone(position, codes) {
  const section = document.querySelector("#phone").content.cloneNode(true).firstElementChild;
  fillWho(section.querySelector(".who"));
  fillPad(section.querySelector(".pad"));
  document.querySelector(".phones").append(section);
  const phone = new Phone(section, codes, drawn);
  const touched = () => activate(phone);
  section.addEventListener("pointerdown", touched);
  section.addEventListener("focusin", touched);
  giveOwner(position, phone);
  return phone;
}

function giveOwner(position, phone) {
  const [select, other] = [phone.part("who"), phone.part("other")];
  const name = `phone${position + 1}`;
  const own = (number) => {
    address.searchParams.set(name, number.slice(1));
    history.replaceState(null, "", address);
    phone.belongTo(number);
  };
  const given = `+${address.searchParams.get(name)}`;
  const first = NUMBER.test(given) ? given : (scenario?.phones[position]() ?? USUAL[position]);
  phone.part("role").hidden = !scenario;
  phone.part("role").textContent = say(whoIs(first));
  const known = [...select.options].some(({ value }) => value === first);
  select.value = known ? first : OTHER;
  other.hidden = known;
  if (!known) other.querySelector("input").value = first;
  own(first);
  select.addEventListener("change", () => {
    other.hidden = select.value !== OTHER;
    if (other.hidden) own(select.value);
    else other.querySelector("input").focus();
  });
  other.querySelector("input").addEventListener("change", ({ target }) => giveNumber(target, own, phone.part("fault")));
}

/* A number that no network has stays nobody's, and the page says why. */
async function giveNumber(input, own, fault) {
  const { number, fault: found } = await checkNumber(input.value).catch(() => ({ fault: "unknown" }));
  fault.textContent = found ? say(`number_${found}`) : "";
  input.setAttribute("aria-invalid", String(Boolean(found)));
  if (!found) own(number);
}

/* Every phone of the page calls through the chosen gateway and writes by the chosen provider: the same, seen through each. */
function choose(name, offered = []) {
  const select = document.querySelector(`.${name}`);
  select.append(...offered.map((value) => element("option", { value, textContent: value })));
  const take = () => {
    for (const phone of phones) phone[name] = select.value;
  };
  select.value = offered.includes(address.searchParams.get(name)) ? address.searchParams.get(name) : offered[0];
  select.addEventListener("change", () => {
    address.searchParams.set(name, select.value);
    history.replaceState(null, "", address);
    take();
  });
  take();
}

/* ---- which phone is meant ---- */

function activate(phone) {
  active = phone;
  for (const one of phones) one.section.classList.toggle("active", one === phone);
  for (const [nth, tab] of [...document.querySelectorAll(".tabs button")].entries())
    tab.setAttribute("aria-pressed", String(phones[nth] === phone));
}

function layTabs() {
  const tabs = document.querySelector(".tabs");
  tabs.hidden = count < 2;
  tabs.replaceChildren(
    ...phones.map((phone) => {
      const tab = element("button", { type: "button" });
      tab.addEventListener("click", () => activate(phone));
      return tab;
    }),
  );
}

const guide = scenario && new Guide(scenario, document.querySelector(".guide"), (nth) => activate(phones[nth]), link);

/* A phone was drawn: its tab tells what is new on it, and the scenario looks whether a step is done. */
function drawn() {
  if (phones.length < count) return;
  for (const [nth, tab] of [...document.querySelectorAll(".tabs button")].entries()) {
    const { number, unread } = phones[nth];
    const name = `${say(whoIs(number))}${unread ? ` ✉ ${unread}` : ""}`;
    if (tab.textContent !== name) tab.textContent = name;
  }
  guide?.look(phones);
}

/* ---- the keyboard ---- */

/* Keys reach the phone wherever the focus is, unless it is somewhere that wants them itself. */
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const where = event.target;
  const typing = where.matches("input, select, textarea");
  const inside = where.matches(".field");
  const arrow = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const busy = where.matches("button, a, summary, select, .other input"); // Enter is theirs
  if (event.key === "Escape") active.press("red");
  else if (arrow && (!typing || where.matches(".line"))) active.press(arrow);
  else if (event.key === "Enter" && !event.shiftKey && !busy) active.enter();
  else if (typing && !inside) return;
  else if (/^[0-9*#]$/.test(event.key) && !typing && !active.keypad.letters) active.press(event.key);
  else if (event.key === "Backspace" && !typing) active.erase();
  else if (event.key.length === 1 && event.key !== " " && !typing) active.write(event.key);
  else return;
  event.preventDefault();
}

/* ---- the page itself ---- */

function link(changes) {
  const to = new URL(address);
  for (const [name, value] of Object.entries(changes))
    if (value === null) to.searchParams.delete(name);
    else to.searchParams.set(name, value);
  return to.search || "?";
}

function dress() {
  const fresh = { scenario: null, phone1: null, phone2: null };
  for (const start of document.querySelectorAll("[data-scenario]"))
    start.href = link({ ...fresh, phones: null, scenario: start.dataset.scenario });
  const many = document.querySelector(".many");
  many.textContent = say(count === 2 ? "one_phone" : "two_phones");
  many.href = link({ scenario: null, phones: count === 2 ? null : 2, phone2: null });
  for (const other of document.querySelectorAll("[data-language]")) {
    other.addEventListener("focusin", () => (other.href = link({ language: other.dataset.language })));
    other.addEventListener("pointerdown", () => (other.href = link({ language: other.dataset.language })));
    other.href = link({ language: other.dataset.language });
    if (other.dataset.language === LANGUAGE) other.setAttribute("aria-current", "true");
  }
  document.querySelector(".howto").open = !scenario && matchMedia(`(min-width: ${count === 2 ? 68 : 62.01}rem)`).matches;
  document.body.classList.toggle("two", count === 2);
  document.body.classList.toggle("guided", Boolean(scenario));
  document.querySelector(".guide .stop").href = link({ ...fresh, phones: null });
  document.querySelector(".guide .again").href = link({ phone1: null, phone2: null });
}

async function start() {
  dress();
  const codes = await about().catch(() => ({ service_code: "*384*57#", short_code: "38457" }));
  phones = Array.from({ length: count }, (_, position) => layPhone(position, codes));
  choose("gateway", codes.gateways);
  choose("provider", codes.providers);
  layTabs();
  activate(phones[0]);
  document.addEventListener("keydown", onKey);
  drawn();
  active.focus();
}

start();
