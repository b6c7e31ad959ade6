// Every page brings the application onto the phone: its worker, and what that needs to know when the signal goes; as long as a page
// is looked at, that is brought up to date every ten minutes.
(() => {
  if (!('serviceWorker' in navigator)) return;
  const EVERY_MS = 10 * 60_000;
  const warm = async () => {
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage('warm');
  };
  addEventListener('load', async () => {
    try {
      await navigator.serviceWorker.register('/service-worker.js', { scope: '/' });
      await warm();
      setInterval(() => { if (!document.hidden) warm(); }, EVERY_MS);
      document.addEventListener('visibilitychange', () => { if (!document.hidden) warm(); });
    } catch (reason) { console.info('This page will not work without a signal:', reason.message); }
  });
})();
