// The cart of the web shop and of the tables. Everything about the payment is in one attribute of the pay button, which
// Saoma's script reads when it is pressed, and in one event that comes back.
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll('[data-sku]')];
  const pay = $('pay');
  const box = document.querySelector('.cart');
  const key = 'cart ' + document.querySelector('[data-cart]').dataset.cart;
  const most = 9; // of one thing
  const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;

  let cart = {}; // quantities by SKU

  // The cart outlives a reload, and ends with the tab.
  function load() {
    cart = JSON.parse(sessionStorage.getItem(key) || '{}');
    draw();
  }

  function change(sku, step) {
    cart[sku] = Math.min(most, Math.max(0, (cart[sku] || 0) + step));
    sessionStorage.setItem(key, JSON.stringify(cart));
    draw();
  }

  function draw() {
    const items = [];
    const lines = [];
    let total = 0;
    let count = 0;
    for (const row of rows) {
      const { sku, price } = row.dataset;
      const quantity = cart[sku] || 0;
      row.querySelector('output').value = quantity;
      row.querySelector('[data-step="-1"]').disabled = quantity === 0;
      row.querySelector('[data-step="1"]').disabled = quantity === most;
      row.classList.toggle('chosen', quantity > 0);
      if (quantity === 0) continue;
      items.push(`${sku}:${quantity}`);
      lines.push(line(row, quantity, yuan(price * quantity)));
      total += price * quantity;
      count += quantity;
    }
    $('lines').replaceChildren(...lines);
    $('total').value = yuan(total);
    $('count').value = count || '';
    box.classList.toggle('empty', count === 0);
    pay.disabled = count === 0;
    pay.dataset.saomaItems = items.join(',');
  }

  function line(row, quantity, sum) {
    const li = document.createElement('li');
    const [name, times, price] = [0, 1, 2].map(() => document.createElement('span'));
    name.append(...[...row.querySelector('.name').childNodes].map((node) => node.cloneNode(true)));
    times.textContent = `×${quantity}`;
    price.textContent = sum;
    li.append(name, times, price);
    return li;
  }

  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-step]');
    if (button) change(button.closest('[data-sku]').dataset.sku, Number(button.dataset.step));
  });

  // On a narrow screen the list opens above the bar.
  function show(on) {
    box.classList.toggle('open', on);
    $('bag').setAttribute('aria-expanded', String(on));
  }
  $('bag').addEventListener('click', () => show(!box.classList.contains('open')));
  document.addEventListener('click', ({ target }) => target.closest('.cart, [data-step]') || show(false));
  document.addEventListener('keydown', ({ key }) => key === 'Escape' && show(false));

  // The browser's word is good enough to empty a cart. What is handed over is decided by the server, which the next
  // page asks.
  document.addEventListener('paid', () => sessionStorage.removeItem(key));

  addEventListener('pageshow', load); // also when the customer comes back
})();
