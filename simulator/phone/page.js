/* The page: how many phones lie on it, whose they are, and which of them the keyboard speaks to. */

import { about } from "./network.js";
import { Phone } from "./phone.js";

const PEOPLE = [
  ["Mutuelle SIK, autour de Sikasso", [
    ["+22370000001", "Chef d’une famille de quatre, à jour"],
    ["+22370000002", "Chef de famille, en retard de cotisation"],
    ["+22370000003", "Trésorier"],
    ["+22370000013", "Second trésorier"],
    ["+22370000004", "Médecin référent"],
    ["+22370000005", "Collecteur"],
    ["+22379946901", "Agente d’inscription"],
  ]],
  ["Plusieurs mutuelles", [["+22370000006", "Membre de deux mutuelles"]]],
  ["Pas encore membre", [["+22370000100", "Une villageoise qui veut adhérer"]]],
];
const USUAL = ["+22370000100", "+22370000003"]; // whose the first and the second phone are at first
const OTHER = "other";
const NUMBER = /^\+[1-9]\d{7,14}$/;
const KEYS = [
  ["1", ""], ["2", "abc"], ["3", "def"], ["4", "ghi"], ["5", "jkl"], ["6", "mno"],
  ["7", "pqrs"], ["8", "tuv"], ["9", "wxyz"], ["*", ""], ["0", "+"], ["#", ""],
];

const address = new URL(location.href);
const count = Math.min(2, Math.max(1, Number(address.searchParams.get("phones")) || 1));
let active = null;

function option(value, label) {
  return Object.assign(document.createElement("option"), { value, textContent: label });
}

/* Without its country, in pairs, as it is said: 70 00 00 01. */
const spaced = (number) => number.slice(4).replace(/(..)(?=.)/g, "$1 ");

function fillWho(select) {
  for (const [label, people] of PEOPLE) {
    const group = Object.assign(document.createElement("optgroup"), { label });
    group.append(...people.map(([number, who]) => option(number, `${who}, ${spaced(number)}`)));
    select.append(group);
  }
  select.append(option(OTHER, "Autre numéro"));
}

function fillPad(pad) {
  for (const [key, letters] of KEYS) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: key });
    button.dataset.key = key;
    button.setAttribute("aria-label", { "*": "étoile", "#": "dièse" }[key] ?? key);
    if (letters) button.append(Object.assign(document.createElement("small"), { textContent: letters }));
    pad.append(button);
  }
}

function layPhone(position, codes) {
  const section = document.querySelector("#phone").content.cloneNode(true).firstElementChild;
  const select = section.querySelector(".who");
  const other = section.querySelector(".other");
  fillWho(select);
  fillPad(section.querySelector(".pad"));
  document.querySelector(".phones").append(section);

  const phone = new Phone(section, codes);
  const name = `phone${position + 1}`;
  const own = (number) => {
    address.searchParams.set(name, number.slice(1));
    history.replaceState(null, "", address);
    phone.belongTo(number);
  };
  const given = `+${address.searchParams.get(name)}`;
  const asked = NUMBER.test(given) ? given : USUAL[position];
  const known = [...select.options].some(({ value }) => value === asked);
  select.value = known ? asked : OTHER;
  other.hidden = known;
  if (!known) other.querySelector("input").value = asked;
  own(asked);

  select.addEventListener("change", () => {
    other.hidden = select.value !== OTHER;
    if (other.hidden) own(select.value);
    else other.querySelector("input").focus();
  });
  other.querySelector("input").addEventListener("change", ({ target }) => {
    const number = `+${target.value.replace(/\D/g, "")}`;
    target.setCustomValidity(NUMBER.test(number) ? "" : "Un numéro avec son indicatif, +223…");
    if (target.reportValidity()) own(number);
  });
  section.addEventListener("pointerdown", () => (active = phone));
  section.addEventListener("focusin", () => (active = phone));
  return phone;
}

/* Digits reach the phone wherever the focus is, unless it is somewhere that wants them itself. */
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const where = event.target;
  const typing = where.matches("input, select, textarea");
  if (event.key === "Escape") active.press("red");
  else if (/^[0-9*#]$/.test(event.key) && !typing) active.press(event.key);
  else if (event.key === "Backspace" && !typing) active.erase();
  else if (event.key === "Enter" && where === document.body) active.press("green");
  else return;
  if (!typing) event.preventDefault();
}

async function start() {
  const codes = await about().catch(() => ({ service_code: "*384*57#", short_code: "38457" }));
  document.querySelector(".code").textContent = codes.service_code;
  document.body.classList.toggle("two", count === 2);
  const many = document.querySelector(".many");
  if (count === 2) Object.assign(many, { href: "?phones=1", textContent: "Ne garder qu’un téléphone" });
  const phones = Array.from({ length: count }, (_, position) => layPhone(position, codes));
  active = phones[0];
  document.addEventListener("keydown", onKey);
  active.focus();
}

start();
