// Light or dark before anything is painted; 'system' follows the phone.
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const set = () => root.classList.toggle('dark-page', root.dataset.theme === 'dark' || (root.dataset.theme === 'system' && dark.matches));
  dark.addEventListener('change', set);
  set();
})();
