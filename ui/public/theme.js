// Sets the colour scheme before the first paint. Not a module: it has to run before the body.
(function () {
  var wanted = null;
  try {
    wanted = JSON.parse(localStorage.getItem('skald.settings') || '{}').theme;
  } catch (_) {
    /* no storage: follow the system */
  }
  var dark =
    wanted === 'dark' ||
    (wanted !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
