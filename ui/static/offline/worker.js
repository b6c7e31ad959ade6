// The part of the application that is there without a signal. It keeps the few pages that work offline, for whoever is signed
// in and nobody else: they are forgotten at sign-out, and when somebody else's arrive.
const SHELL = `shell-${VERSION}`, PERSONAL = 'person-', WARM_EVERY_MS = 10 * 60_000, PATIENCE_MS = 5_000;
const NO_SIGNAL = '/offline', NOBODYS = '/offline?nobody';
const shell = new Set(ASSETS);
let warmed = { person: '', at: 0 };
let generation = 0; // an answer that was asked for before a sign-out is not kept after it

self.addEventListener('install', (event) => {
  const fresh = () => Promise.all([
    caches.open(SHELL).then((cache) => cache.addAll(ASSETS.map((path) => new Request(path, { cache: 'reload' })))),
    caches.open(SHELL).then(async (cache) => cache.put(NOBODYS, await fetch(NOBODYS, { credentials: 'omit' }))),
  ]);
  event.waitUntil(fresh().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const old = async () => Promise.all((await caches.keys()).filter((name) => name.startsWith('shell-') && name !== SHELL).map((name) => caches.delete(name)));
  event.waitUntil(old().then(() => self.clients.claim()));
});

self.addEventListener('message', (event) => { if (event.data === 'warm') event.waitUntil(warm()); });
self.addEventListener('sync', (event) => { if (event.tag === 'steading-queue') event.waitUntil(sendWaiting()); });

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'POST' && url.pathname === '/sign-out') event.waitUntil(forget());
  if (request.method !== 'GET') return;
  if (shell.has(url.pathname + url.search)) event.respondWith(fromShell(request));
  else if (KEPT.includes(url.pathname)) event.respondWith(networkFirst(event, url.pathname));
  else if (request.mode === 'navigate') event.respondWith(page(event, url.pathname));
});

async function fromShell(request) {
  return (await (await caches.open(SHELL)).match(request)) || fetch(request);
}

async function page(event, path) {
  try {
    const answer = await fetch(event.request);
    if (path === '/sign-in' && answer.ok) event.waitUntil(forget());
    return answer;
  } catch { return noSignal(); }
}

// A weak signal must not keep anybody waiting with wet hands: what is kept comes after a few seconds.
async function networkFirst(event, path) {
  const kept = await personal(path), born = generation;
  const asked = fetch(event.request).then((answer) => {
    if (answer.status >= 500) throw new Error('the server is away');
    event.waitUntil(keep(path, answer.clone(), born));
    return answer;
  });
  const waited = kept ? new Promise((_, reject) => { setTimeout(() => reject(new Error('too slow')), PATIENCE_MS); }) : new Promise(() => {});
  asked.catch(() => {});
  try { return await Promise.race([asked, waited]); } catch {
    return kept || (event.request.mode === 'navigate' ? noSignal() : Response.error());
  }
}

async function noSignal() {
  return (await personal(NO_SIGNAL)) || (await (await caches.open(SHELL)).match(NOBODYS)) || Response.error();
}

async function personal(path) {
  for (const name of await caches.keys()) {
    const found = name.startsWith(PERSONAL) && await (await caches.open(name)).match(path);
    if (found) return found;
  }
  return null;
}

async function keep(path, answer, born) {
  const person = answer.headers.get('x-steading-person');
  if (!answer.ok || !person || born !== generation) return;
  const mine = PERSONAL + person;
  await Promise.all((await caches.keys()).filter((name) => name.startsWith(PERSONAL) && name !== mine).map((name) => caches.delete(name)));
  await (await caches.open(mine)).put(path, answer);
  if (born !== generation) await forget();
}

async function forget() {
  generation += 1;
  warmed = { person: '', at: 0 };
  await Promise.all((await caches.keys()).filter((name) => name.startsWith(PERSONAL)).map((name) => caches.delete(name)));
}

async function warm() {
  const ask = (path) => fetch(path, { credentials: 'same-origin', redirect: 'error' });
  const born = generation;
  try {
    const first = await ask(NO_SIGNAL);
    const person = first.headers.get('x-steading-person') || '';
    if (!first.ok || !person || (warmed.person === person && Date.now() - warmed.at < WARM_EVERY_MS)) return;
    warmed = { person, at: Date.now() };
    await keep(NO_SIGNAL, first.clone(), born);
    for (const path of (first.headers.get('x-steading-keep') || '').split(' ').filter(Boolean)) await keep(path, await ask(path), born);
  } catch { /* no signal now: what is kept stays */ }
}

async function sendWaiting() {
  const person = await self.steadingQueue.marked('person');
  if (person && (await self.steadingQueue.send(person)) === 'away') throw new Error('no signal yet');
}
