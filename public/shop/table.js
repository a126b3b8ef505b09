// Marks the category that is being read in the bar above the menu, and keeps its link in sight.
(() => {
  'use strict';

  const bar = document.getElementById('categories');
  const links = [...bar.querySelectorAll('a')];
  const sections = links.map((link) => document.querySelector(link.hash));

  function mark() {
    const line = bar.getBoundingClientRect().bottom + 24;
    const below = sections.findIndex((section) => section.getBoundingClientRect().bottom > line);
    const end = Math.ceil(scrollY + innerHeight) >= document.documentElement.scrollHeight;
    const link = links.at(end && scrollY > 0 ? -1 : below);
    if (link.hasAttribute('aria-current')) return;
    for (const other of links) other.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    bar.scrollTo({ left: link.offsetLeft - (bar.clientWidth - link.offsetWidth) / 2 });
  }

  addEventListener('scroll', mark, { passive: true });
  addEventListener('resize', mark);
  mark();
})();
