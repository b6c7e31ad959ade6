// What a message does on the phone: it is shown even when nothing of ours is open, and a tap opens what it is about.
self.addEventListener('push', (event) => {
  let said = {};
  try { said = event.data?.json() || {}; } catch { said = { body: event.data?.text() }; }
  const title = said.title || 'Steading';
  event.waitUntil(self.registration.showNotification(title, {
    body: said.body || '', tag: said.id, data: { url: said.url || '/' }, icon: '/steading-ui/icons/app-192.png', badge: '/steading-ui/icons/app-192.png',
  }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { href, origin } = new URL(event.notification.data?.url || '/', self.location.origin);
  const url = origin === self.location.origin ? href : self.location.origin;
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const there = open.find((client) => client.url === url);
    if (there) return there.focus();
    const any = open.find((client) => 'navigate' in client);
    try { if (any) return (await any.focus()).navigate(url); } catch { /* not ours to steer: a new one, then */ }
    return self.clients.openWindow(url);
  })());
});

// The browser may change where it is woken of its own accord; the server hears of it at once.
self.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil((async () => {
    const options = event.oldSubscription?.options;
    const fresh = event.newSubscription || (options && await self.registration.pushManager.subscribe(options));
    if (!fresh) return;
    const { endpoint, keys } = fresh.toJSON();
    await fetch('/settings/browser', { method: 'POST', credentials: 'same-origin', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ endpoint, keys }) });
  })());
});
