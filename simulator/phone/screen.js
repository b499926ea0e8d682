/* The screen of a phone: one row of the table a view, and how it is drawn.
   Everything from outside is shown as text, never as markup. */

const NO_SERVICE = "Pas de réseau.\nLe service ne répond pas, nouvel essai dans un instant.";

const eraseOr = (phone, otherwise) => (phone.field.value ? ["Effacer", () => phone.erase()] : otherwise);

/* words: what the screen says; asks: the field's label, when there is one; then what each key is called and does. */
export const VIEWS = {
  home: (phone) => ({
    words: phone.offline ? NO_SERVICE : phone.notice || `Touche verte :\nappeler ${phone.code}`,
    asks: "Numéro",
    left: [phone.unread ? "Lire" : "Messages", () => phone.openInbox()],
    right: eraseOr(phone, ["", () => {}]),
    green: ["Appeler", () => phone.dial()],
    red: ["Effacer tout", () => phone.home()],
  }),
  call: (phone) => ({
    words: phone.waiting ? "Un instant…" : phone.words,
    asks: "Réponse",
    left: ["Envoyer", () => phone.answer()],
    right: eraseOr(phone, ["Raccrocher", () => phone.hangUp()]),
    green: ["Envoyer", () => phone.answer()],
    red: ["Raccrocher", () => phone.hangUp()],
  }),
  ended: (phone) => ({
    words: phone.words || NO_SERVICE,
    left: ["OK", () => phone.home()],
    right: ["", () => {}],
    green: ["OK", () => phone.home()],
    red: ["Fermer", () => phone.home()],
  }),
  inbox: (phone) => ({
    words: phone.messages.length ? "Messages reçus\nTouche verte : écrire" : "Aucun message.\nTouche verte : écrire",
    list: phone.messages,
    left: phone.messages.length ? ["Ouvrir", () => phone.openChosen()] : ["Écrire", () => phone.write()],
    right: ["Retour", () => phone.home()],
    green: ["Écrire", () => phone.write()],
    red: ["Fermer", () => phone.home()],
  }),
  message: (phone) => ({
    words: `${phone.message.from}, ${when(phone.message.at)}\n\n${phone.message.text}`,
    left: ["Suivant", () => phone.openNext()],
    right: ["Retour", () => phone.openInbox()],
    green: ["Répondre", () => phone.write()],
    red: ["Fermer", () => phone.home()],
  }),
  write: (phone) => ({
    words: `SMS au ${phone.shortCode}\n${phone.messages.length ? "" : "Par exemple : AIDE"}`.trim(),
    asks: "Votre SMS",
    left: ["Envoyer", () => phone.sendSms()],
    right: eraseOr(phone, ["Retour", () => phone.openInbox()]),
    green: ["Envoyer", () => phone.sendSms()],
    red: ["Fermer", () => phone.home()],
  }),
  prompt: (phone) => ({
    words: `Payer ${money(phone.prompt)} ?\n${phone.prompt.note}\n\n${phone.notice || "Essai : 4 chiffres au hasard, jamais votre vrai code."}`,
    asks: "PIN",
    secret: true,
    left: ["Payer", () => phone.approve()],
    right: eraseOr(phone, ["Refuser", () => phone.settle("decline")]),
    green: ["Payer", () => phone.approve()],
    red: ["Refuser", () => phone.settle("decline")],
  }),
};

const when = (at) =>
  new Date(at).toLocaleString("fr-FR", { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" });

const money = ({ amount, currency }) =>
  `${Number(amount).toLocaleString("fr-FR")} ${/^X[OA]F$/.test(currency) ? "F" : currency}`;

export function draw(phone) {
  const view = VIEWS[phone.view](phone);
  write(phone.part("words"), view.words);
  write(phone.part("softs .left"), phone.waiting ? "" : view.left[0]);
  write(phone.part("softs .right"), view.right[0]);
  write(phone.part("clock"), new Date().toLocaleTimeString("fr-FR", { hour: "2-digit", minute: "2-digit" }));
  nameKeys(phone, { left: view.left[0], right: view.right[0] || "Touche sans effet", green: view.green[0], red: view.red[0] });
  drawEntry(phone, view);
  fitWords(phone);
  drawUnread(phone);
  drawList(phone, view.list ?? []);
  phone.part("others").hidden = phone.view !== "prompt";
  phone.part("screen").dataset.view = phone.view;
  phone.part("screen").setAttribute("aria-busy", String(phone.waiting));
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
  view.classList.remove("small");
  view.classList.toggle("small", view.scrollHeight > view.clientHeight);
}

function nameKeys(phone, names) {
  for (const [key, name] of Object.entries(names))
    phone.section.querySelector(`[data-key="${key}"]`).setAttribute("aria-label", name);
}

function drawEntry(phone, { asks, secret }) {
  const entry = phone.part("entry");
  const appears = asks && entry.hidden;
  entry.hidden = !asks;
  write(phone.part("asks"), asks ?? "");
  phone.field.type = secret ? "password" : "text";
  phone.field.inputMode = secret ? "numeric" : "text";
  phone.field.maxLength = secret ? 4 : 160;
  if (appears && document.activeElement === document.body) phone.focus();
}

function drawUnread(phone) {
  const unread = phone.part("unread");
  unread.hidden = !phone.unread;
  write(unread, `✉ ${phone.unread}`);
  unread.setAttribute("aria-label", `Messages non lus : ${phone.unread}`);
}

function drawList(phone, messages) {
  const list = phone.part("list");
  const wanted = messages.map(({ id }) => id).join();
  list.hidden = !messages.length;
  if (list.dataset.holds !== wanted) {
    list.dataset.holds = wanted;
    list.replaceChildren(...messages.map((message, position) => line(phone, message, position)));
  }
  messages.forEach(({ id }, position) => {
    const item = list.children[position];
    const chosen = position === phone.chosen;
    if (chosen && !item.classList.contains("chosen")) item.scrollIntoView({ block: "nearest" });
    item.classList.toggle("chosen", chosen);
    item.classList.toggle("new", !phone.read.has(id));
  });
}

function line(phone, message, position) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: `${message.from} : ${message.text}` });
  button.addEventListener("click", () => phone.openChosen(position));
  item.append(button);
  return item;
}
