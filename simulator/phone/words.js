/* What the page says, in its reader's language: from the catalogue of the service, by way of `simulator/words.py`. */

const words = JSON.parse(document.body.dataset.words);
const known = JSON.parse(document.body.dataset.known);

export const LANGUAGE = document.documentElement.lang;
const LOCALE = { fr: "fr-FR", en: "en-GB" }[LANGUAGE] ?? "fr-FR";

export const say = (key, facts = {}) => words[key].replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

export const hour = (at) => new Date(at).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit" });

export const day = (at) => new Date(at).toLocaleDateString(LOCALE, { day: "2-digit", month: "2-digit" });

export const money = ({ amount, currency }) =>
  `${Number(amount).toLocaleString("fr-FR")} ${/^X[OA]F$/.test(currency) ? "F" : currency}`;

/* ---- screens of the service, known by its own sentences ---- */

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[^\S\n]+/g, " ");

/* A sentence as a pattern: each fact in braces becomes a group of that name. Of a long end its beginning is enough. */
function pattern(sentence) {
  const parts = fold(sentence).split(/\{(\w+)\}/);
  const literal = (part, nth) => (nth === parts.length - 1 ? part.slice(0, 30) : part).replace(/[.*+?^$()[\]|\\]/g, "\\$&");
  const end = parts.at(-1) ? "" : "(?=\\n|$)";
  return parts.map((part, nth) => (nth % 2 ? `(?<${part}>.+?)` : literal(part, nth))).join("") + end;
}

/* The facts of the sentence `key` on this screen; null if the screen does not say it. */
export function facts(screen, key) {
  for (const sentence of known[key]) {
    const found = fold(screen).match(pattern(sentence));
    if (found) return { ...found.groups };
  }
  return null;
}

/* The digit of the option that says `key`; null where there is none. */
export function digit(screen, key) {
  for (const sentence of known[key]) {
    const found = fold(screen).match(new RegExp(`^(\\d+) ${pattern(sentence)}$`, "m"));
    if (found) return found[1];
  }
  return null;
}
