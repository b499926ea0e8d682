// The peer: the same questions with Express and ussd-menu-builder, a menu for each request (one for all of them would
// cross its answers), its sessions in Redis.
'use strict';

const express = require('express');
const UssdMenu = require('ussd-menu-builder');
const { createClient } = require('redis');

const TTL_S = 900;
const redis = createClient({ url: process.env.REDIS_URL });

const sessions = {
  start: () => Promise.resolve(),
  get: (call, name) => redis.hGet(`peer:${call}`, name),
  set: (call, name, value) =>
    Promise.all([redis.hSet(`peer:${call}`, name, value), redis.expire(`peer:${call}`, TTL_S)]),
  end: (call) => redis.del(`peer:${call}`),
};

function menuOfQuestions() {
  const menu = new UssdMenu();
  menu.sessionConfig(sessions);
  const asked = async (answer, words) => {
    await menu.session.set(answer, menu.val);
    menu.con(words(await menu.session.get('name')));
  };
  menu.startState({
    run: () => menu.con('Votre prénom et votre nom ?'),
    next: { '*[A-Za-z]+': 'village' },
  });
  menu.state('village', {
    run: () => asked('name', (name) => `${name}, where do you live?\n1 Kola\n2 Tienfala\n3 Banamba\n4 Sirakorola\n0 Retour`),
    next: { '*^[1-4]$': 'people' },
  });
  menu.state('people', {
    run: () => asked('village', (name) => `${name}, the age of each person? Example: 45 38 12\n0 Retour`),
    next: { '*^[0-9 ]+$': 'cover' },
  });
  menu.state('cover', {
    run: () =>
      asked('people', (name) => {
        const size = menu.val.split(' ').length;
        return `${name}, people: ${size}. Which cover?\n1 Famille: 12 000 F\n2 Personne: 5 000 F\n0 Retour`;
      }),
    next: { '*^[12]$': 'way' },
  });
  menu.state('way', {
    run: () => asked('cover', (name) => `${name}, 12 000 F a year. How much now?\n1 12 000 F\n2 3 000 F\n0 Retour`),
    next: { '*^[12]$': 'agree' },
  });
  menu.state('agree', {
    run: async () => {
      const [, name, village, cover] = await Promise.all([
        menu.session.set('way', menu.val),
        menu.session.get('name'),
        menu.session.get('village'),
        menu.session.get('cover'),
      ]);
      const place = ['Kola', 'Tienfala', 'Banamba', 'Sirakorola'][village - 1];
      const first = menu.val === '1' ? '12 000 F' : '3 000 F';
      const kind = ['family', 'person'][cover - 1];
      menu.con(`${kind} cover for ${name}, ${place}: ${first} now. Agreed?\n1 Oui\n2 Non`);
    },
    next: { 1: 'agreed', 2: 'refused' },
  });
  const goodbye = (words) => async () => menu.end(words(await menu.session.get('name')));
  menu.state('agreed', {
    run: goodbye((name) => `Thank you, ${name}. This is a benchmark: nothing was recorded.`),
  });
  menu.state('refused', { run: goodbye((name) => `Goodbye, ${name}.`) });
  return menu;
}

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.get('/health/live', (_request, answer) => answer.end());
app.post('/at/:secret/ussd', express.urlencoded({ extended: false }), (request, answer) => {
  menuOfQuestions().run(request.body, (screen) => answer.type('text/plain').send(screen));
});

redis.connect().then(() => app.listen(Number(process.env.PORT), '127.0.0.1'));
