// The peer of real calls: Express, ussd-menu-builder, pg and ioredis, with the statements of calls.sql, prepared.
// A menu for each request: one for all of them would cross its answers. It knows as little as the bare route does.
'use strict';

const { createHash, createHmac, randomBytes, randomInt, randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const express = require('express');
const Redis = require('ioredis');
const { Pool } = require('pg');
const UssdMenu = require('ussd-menu-builder');

const TTL_S = 900;
const SECRET = process.env.WEBHOOK_SECRET;
const CODES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const DAMM = ['0317598642', '7092154863', '4206871359', '1750983426', '6123045978', '3674209581', '5869720134',
  '8945362017', '9438617205', '2581436790'];
const redis = new Redis(process.env.REDIS_URL);
const pool = new Pool({
  connectionString: process.env.OWNER_URL.replace('+asyncpg', ''),
  max: 10,
  options: '-c plan_cache_mode=force_generic_plan',
});
const statements = Object.fromEntries(
  readFileSync(process.argv[2], 'utf8').split(/^-- (?=\w+$)/m).slice(1).map((part) => {
    const end = part.indexOf('\n');
    return [part.slice(0, end), part.slice(end + 1)];
  }),
);

const rows = async (name, ...values) => (await pool.query({ name, text: statements[name], values })).rows;
const read = async (name, ...values) => (await rows(name, ...values))[0];
const sha256 = (words) => createHash('sha256').update(words).digest('hex');
const money = (amount) => `${String(amount).replace(/\B(?=(\d{3})+$)/g, ' ')} F`;
const shown = (number) => number.replace(/(...)(...)(...)/, '$1 $2 $3');
const local = (phone) => phone.slice(4).replace(/(..)(?=.)/g, '$1 ');
const drawn = () => Array.from({ length: 6 }, () => CODES[randomInt(CODES.length)]).join('');
const ELSE = '\n7 La mutuelle\n8 Langue / Language';
const HEAD = 'Keneya, votre mutuelle de santé\n1';
const MEMBERS = `${HEAD} Ma couverture\n2 Payer\n3 Un médecin\n4 Mon ménage\n5 Code de soins\n6 Mes messages${ELSE}`;
const STRANGERS = `${HEAD} Adhérer\n2 Payer\n3 Un médecin${ELSE}`;

function drawnNumber() {
  const body = `187${String(randomInt(100000)).padStart(5, '0')}`;
  return body + [...body].reduce((digit, next) => DAMM[digit][next], 0);
}

async function act(action, args, facts) {
  const said = { phone: args.phoneNumber, call: args.sessionId, position: args.text.length, transcript: sha256(args.text) };
  const more = { reference: randomUUID(), token: randomBytes(20).toString('hex') };
  const done = await read(action, JSON.stringify({ ...said, ...more, ...facts }));
  if (!done.done) throw new Error(`${action}: nothing was done`);
  return done;
}

const opens = (missing) => `encore ${money(missing)} pour la couverture`;

function menuFor(args, isMember, known) {
  const menu = new UssdMenu();
  const words = args.text.split('*');
  const phone = args.phoneNumber;
  const state = (name, next, run) => menu.state(name, { next, run });
  menu.startState({
    next: { 1: () => (isMember ? 'cover' : 'join'), 2: 'pay', 9: 'work' },
    run: () => menu.con((known.is_member ? MEMBERS : STRANGERS) + (known.has_office ? '\n9 Mon travail' : '')),
  });
  state('cover', {}, async () => {
    const stands = await read('household', phone);
    if (stands.state !== 'covered' || stands.due) throw new Error('the peer knows who is covered and owes nothing');
    const who = `${stands.head_name}, numéro ${shown(stands.number)}, ${stands.size} pers.`;
    menu.end(`${who} COUVERT jusqu'au ${stands.until_on}. Rien à payer.`);
  });
  state('pay', { 1: 'payAll' }, async () => {
    const { due } = await read('household', phone);
    const all = money(due);
    menu.con(`Reste à payer : ${all}\n1 Payer ${all}\n2 Une partie, dès ${money(due / 4)}\n3 Autre téléphone\n`
      + '4 Autre ménage\n5 Refuser de payer pour d\'autres\n0 Retour');
  });
  state('payAll', { 1: 'paid' }, async () => {
    const stands = await read('household', phone);
    menu.con(`Payer ${money(stands.due)} pour ${stands.head_name}, ${shown(stands.number)}, `
      + `avec le ${local(phone)} : ${stands.covered} ?\n1 Oui\n2 Non`);
  });
  state('paid', {}, async () => {
    const screen = `Merci. On va demander ${money(12000)} au ${local(phone)} : validez avec votre code secret.`
      + " Un SMS vous dira si c'est payé. Rien à l'écran ? Composez *888#.";
    await act('pay', args, { consent: 'Payer ?', screen: `END ${screen}`, due: 12000, amount: 12000, code: drawn() });
    menu.end(screen);
  });
  state('join', { 1: 'name' }, async () => {
    const places = await rows('places');
    menu.con(`Où habitez-vous ?${places.map(({ name }, nth) => `\n${nth + 1} ${name}`).join('')}\n99 Mon village n\'y est pas\n0 Retour`);
  });
  state('name', { '*[A-Za-z ]+': 'ages' }, () => menu.con('Votre prénom et votre nom ?\n0 Retour'));
  state('ages', { '*\\d+': 'secondAge' }, () => menu.con(
    "Combien d'années a chaque personne du ménage ? Vous d'abord, bébé : 0. Exemple : 45*38*12\n0 Retour"));
  state('secondAge', { '*\\d+': 'thirdAge' }, () => menu.con('?'));
  state('thirdAge', { '*\\d+': 'howMuch' }, () => menu.con('?'));
  state('howMuch', { 1: 'terms' }, async () => {
    const offer = await read('offer', 'Kola');
    menu.con(`Combien payez-vous ?\n1 Tout, ${money(offer.price)} : ${offer.covered}\n`
      + `2 D'abord ${money(offer.part)} : ${opens(offer.opening - offer.part)}\n0 Retour`);
  });
  state('terms', { 1: 'joined' }, async () => {
    const offer = await read('offer', 'Kola');
    menu.con(`${offer.mutuelle}, ${offer.product} : ${money(offer.price)}. ${words[2]}, Kola, 3 personnes : ${words.slice(3, 6).join(', ')} ans. `
      + "Ces données servent à vous assurer.\n1 J'accepte\n2 Non");
  });
  state('joined', {}, async () => {
    for (;;) {
      const number = drawnNumber();
      const screen = `Bienvenue chez Mutuelle Danaya ! Votre numéro : ${shown(number)}. On va vous demander `
        + `${money(12000)} : validez avec votre code secret. Rien à l'écran ? Composez *888#.`;
      const home = { village: 'Kola', name: words[2], ages: words.slice(3, 6).map(Number), number, amount: 12000 };
      try {
        await act('join', args, { consent: 'Adhérer ?', screen: `END ${screen}`, code: drawn(), ...home });
      } catch (fault) {
        if (fault.code === '23505') continue;
        throw fault;
      }
      return menu.end(screen);
    }
  });
  state('work', { 1: 'number' }, async () => {
    await read('office', phone);
    menu.con('Mon travail\n1 Argent encaissé\n2 Argent en main\n3 Argent de plusieurs ménages\n0 Retour');
  });
  state('number', { '*^\\d{9}$': 'amount' }, async () => {
    await read('office', phone);
    menu.con('Quel ménage ? Son numéro, son téléphone ou son nom\n0 Retour');
  });
  state('amount', { '*\\d+': 'received' }, async () => {
    const { due, head_name: name, number } = await read('collected', phone, words[2]);
    menu.con(`${name}, ${shown(number)} : combien ? De ${money(due / 4)} à ${money(due)}\n0 Retour`);
  });
  state('received', { 1: 'pin' }, async () => {
    const asked = await read('collected', phone, words[2]);
    menu.con(`${asked.head_name}, numéro ${shown(asked.number)}, vous a donné ${money(words[3])} en espèces : `
      + `${opens(asked.due / 2 - words[3])} ?\n1 Oui, aujourd'hui\n2 Non, ou autre jour`);
  });
  state('pin', { '*\\d+': 'recorded' }, () => menu.con('Votre code de travail ?\n0 Retour'));
  state('recorded', {}, async () => {
    const code = drawn();
    const amount = Number(words[3]);
    const body = `REÇU ${code} : ${money(amount)} en espèces pour le ménage ${shown(words[2])}. Reste ${money(9000)}.`;
    const done = await act('cash', args, { consent: 'Reçu ?', number: words[2], due: 12000, amount, code, body });
    menu.end(`C'est noté : ${money(amount)}, REÇU ${code}. Un SMS part au ménage. Vous avez ${money(done.holds)} en main.`);
  });
  return menu;
}

async function hop(args) {
  const key = `peer:${args.sessionId}`;
  if (!args.text) {
    const known = await read('dial', args.phoneNumber);
    await redis.pipeline().hset(key, 'text', '', 'is_member', Number(known.is_member)).expire(key, TTL_S).exec();
    return menuFor(args, known.is_member, known);
  }
  const [[, isMember]] = await redis.pipeline().hget(key, 'is_member').hset(key, 'text', args.text).exec();
  return menuFor(args, isMember === '1', null);
}

async function check(sms) {
  const [, number, code] = sms.text.split(' ');
  const key = createHmac('sha256', SECRET).update('keneya care code').digest();
  const digest = createHmac('sha256', key).update(`${number} ${code}`).digest('hex');
  const said = { id: sms.id, phone: sms.from, number, digest, transcript: sha256(sms.text) };
  await read('checked', JSON.stringify({ ...said, reference: drawn(), consent: 'Vérifier ?' }));
}

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.urlencoded({ extended: false }));
app.get('/health/live', (_request, answer) => answer.end());
app.post('/at/:secret/ussd', async (request, answer) => {
  const menu = await hop(request.body);
  menu.on('error', (fault) => answer.headersSent || answer.status(500).send(String(fault)));
  menu.run(request.body, (screen) => answer.type('text/plain').send(screen));
});
app.post('/at/:secret/sms', async (request, answer) => {
  const { id, from, to, text } = request.body;
  await rows('heard', id, from, to, text);
  answer.end();
  await check(request.body);
});
process.on('unhandledRejection', (fault) => console.error(fault));
app.listen(Number(process.env.PORT), '127.0.0.1');
