// What became of an order. The number in the address proves nothing, so the shop's own server is asked, which knows it
// from Saoma's webhook, or asks Saoma with the secret key. Only its answer makes this page say "paid".
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const id = new URLSearchParams(location.search).get('order') || '';
  const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
  const again = 2000; // milliseconds between two questions
  const states = { paid: 'paid', created: 'waiting', pending: 'waiting', expired: 'ended', cancelled: 'ended', refunded: 'refunded' };

  async function ask() {
    let state = 'trouble';
    try {
      const answer = await fetch('/orders/' + encodeURIComponent(id));
      if (answer.status === 404) state = 'unknown';
      if (answer.ok) {
        const order = await answer.json();
        state = states[order.status];
        if (state === 'paid') fill(order);
      }
    } catch {
      // No network just now.
    }
    if ($('order').dataset.state !== state) $('order').dataset.state = state;
    if (state === 'waiting' || state === 'trouble') setTimeout(ask, again);
  }

  function fill(order) {
    $('number').value = order.number;
    $('total').value = yuan(order.amount);
    $('when').dateTime = order.paid_at;
    const style = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Shanghai' }; // the shop's, as on the receipt
    $('when').textContent = new Date(order.paid_at).toLocaleString(document.documentElement.lang, style);
    $('lines').replaceChildren(...order.lines.map(line));
    document.body.classList.toggle('has-table', Boolean(order.table));
    for (const b of document.querySelectorAll('[data-table]')) b.textContent = order.table;
    if (order.table && $('back')) $('back').search = '?table=' + order.table;
  }

  function line({ name, en, quantity, sum }) {
    const li = document.createElement('li');
    const both = document.createElement('span');
    for (const [lang, className, text] of [['zh-CN', 'zh', name], ['en', 'en', en]]) {
      both.append(Object.assign(document.createElement('span'), { lang, className, textContent: text }));
    }
    const times = Object.assign(document.createElement('span'), { textContent: `×${quantity}` });
    const price = Object.assign(document.createElement('span'), { textContent: yuan(sum) });
    li.append(both, times, price);
    return li;
  }

  ask();
})();
