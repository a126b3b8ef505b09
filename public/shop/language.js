// Chinese or English: the language of <html>, by which the style sheet hides the texts of the other one. Saoma takes it
// from there too. Runs before the page is painted, so that nothing flickers.
(() => {
  'use strict';

  const root = document.documentElement;
  const title = document.querySelector('title');
  const chinese = title.textContent;

  function use(language) {
    root.lang = language === 'en' ? 'en' : 'zh-CN';
    document.title = root.lang === 'en' ? title.dataset.en : chinese;
  }

  const asked = new URLSearchParams(location.search).get('lang');
  if (asked) localStorage.setItem('language', asked);
  use(localStorage.getItem('language'));

  document.addEventListener('click', ({ target }) => {
    if (!target.closest('[data-language]')) return;
    localStorage.setItem('language', root.lang === 'en' ? 'zh' : 'en');
    use(localStorage.getItem('language'));
  });
  // Another window of the shop, or the page around this one, has switched.
  addEventListener('storage', ({ key, newValue }) => key === 'language' && use(newValue));
})();
