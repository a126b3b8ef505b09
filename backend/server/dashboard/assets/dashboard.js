// Keeps what is on the screen up to date. Every page works without this script.
'use strict';

(() => {
  const live = document.querySelector('[data-live]');
  if (!live) return;

  let socket;
  let retry = 1000; // milliseconds until the next connection
  let asking = false; // a page is being fetched
  let stale = false; // and there is news since

  // connect listens for news: of one order, or of all of the shop.
  function connect() {
    const url = new URL('/dashboard/live', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    if (live.dataset.live) url.searchParams.set('order', live.dataset.live);
    socket = new WebSocket(url, 'saoma.v1');
    socket.onmessage = refresh;
    socket.onopen = () => { retry = 1000; };
    socket.onclose = () => {
      setTimeout(connect, retry * (0.5 + Math.random()));
      retry = Math.min(retry * 2, 30000);
    };
  }

  // refresh asks for this very page again and puts what changed into it. A busy shop changes more often than that.
  function refresh() {
    if (asking || document.hidden) {
      stale = true;
      return;
    }
    asking = true;
    stale = false;
    const request = new XMLHttpRequest();
    request.open('GET', location.href);
    request.responseType = 'document'; // parsed by the browser, without running anything
    request.onload = () => {
      if (new URL(request.responseURL).pathname !== location.pathname) location.reload(); // signed out
      else if (request.status === 200 && request.response) swap(request.response);
    };
    request.onloadend = () => setTimeout(() => {
      asking = false;
      if (stale) refresh();
    }, 700);
    request.send();
  }

  // swap replaces the parts that differ, but never one in which somebody is typing.
  function swap(page) {
    for (const fresh of page.querySelectorAll('[data-swap]')) {
      const old = document.querySelector(`[data-swap="${fresh.dataset.swap}"]`);
      if (!old || old.isEqualNode(fresh)) continue;
      const active = document.activeElement;
      if (old.contains(active) && active.matches('input, select, textarea')) continue;
      const id = old.contains(active) ? active.id : '';
      const open = [...old.querySelectorAll('details[open]')].map((d) => d.id);
      const node = document.importNode(fresh, true);
      for (const d of node.querySelectorAll('details')) d.open = d.open || open.includes(d.id);
      mark(old, node);
      old.replaceWith(node);
      if (id) document.getElementById(id)?.focus();
    }
  }

  // mark lets rows shine for a moment that are new or different.
  function mark(old, fresh) {
    const before = new Map([...old.querySelectorAll('[data-key]')].map((row) => [row.dataset.key, row]));
    for (const row of fresh.querySelectorAll('[data-key]')) {
      if (!before.get(row.dataset.key)?.isEqualNode(row)) row.classList.add('fresh');
    }
  }

  document.addEventListener('visibilitychange', () => { if (!document.hidden && stale) refresh(); });
  connect();
})();
