// The story page: which shop is shown, in what language, and on a narrow screen which of the two.
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const shop = $('shop');
  const links = [...$('scenes').querySelectorAll('a')];
  const browser = document.querySelector('.browser');

  // The shop is of our origin, so we can see where it has gone.
  function arrived() {
    const { href, pathname } = shop.contentWindow.location;
    $('address').value = decodeURI(href.replace(/^https?:\/\//, ''));
    for (const link of links) link.toggleAttribute('aria-current', link.pathname === pathname);
    const narrow = /^\/(table|kitchen)\//.test(pathname);
    browser.classList.toggle('narrow', narrow);
  }
  shop.addEventListener('load', arrived);
  if (shop.contentDocument?.readyState === 'complete') arrived();

  // The phone is of the simulator's origin: it is told the language by its address.
  function ring() {
    const lang = document.documentElement.lang === 'en' ? 'en' : 'zh';
    const src = `${$('phone').dataset.src}?lang=${lang}`;
    if ($('phone').src !== src) $('phone').src = src;
  }
  new MutationObserver(ring).observe(document.documentElement, { attributeFilter: ['lang'] });
  ring();

  for (const button of document.querySelectorAll('button[data-show]')) {
    button.addEventListener('click', () => {
      document.body.dataset.show = button.dataset.show;
      for (const other of document.querySelectorAll('button[data-show]')) {
        other.setAttribute('aria-pressed', String(other === button));
      }
    });
  }
})();
