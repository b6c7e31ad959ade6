// Every page brings the application onto the phone: its worker, and what that needs to know when the signal goes.
(() => {
  if (!('serviceWorker' in navigator)) return;
  addEventListener('load', async () => {
    try {
      await navigator.serviceWorker.register('/service-worker.js', { scope: '/' });
      const { active } = await navigator.serviceWorker.ready;
      active?.postMessage('warm');
    } catch (reason) { console.info('This page will not work without a signal:', reason.message); }
  });
})();
