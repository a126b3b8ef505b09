// The café's own script: a cart, and what happens when it is paid. Everything about the payment itself is
// in the one element it makes.
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll('[data-sku]')];
  const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
  const most = 9; // of one product

  const cart = new Map([['latte', 1]]);

  function show(section) {
    for (const id of ['cart', 'checkout', 'thanks']) $(id).hidden = id !== section;
    for (const button of document.querySelectorAll('.stepper button')) button.disabled = section === 'checkout';
    if (section !== 'checkout') draw();
  }

  function draw() {
    let total = 0;
    const lines = [];
    for (const row of rows) {
      const { sku, name, price } = row.dataset;
      const quantity = cart.get(sku) || 0;
      row.querySelector('output').value = quantity;
      row.querySelector('[data-step="-1"]').disabled = quantity === 0;
      row.querySelector('[data-step="1"]').disabled = quantity === most;
      if (!quantity) continue;
      total += price * quantity;
      const line = document.createElement('li');
      const [what, sum] = [document.createElement('span'), document.createElement('span')];
      what.textContent = `${name} ×${quantity}`;
      sum.textContent = yuan(price * quantity);
      line.append(what, sum);
      lines.push(line);
    }
    document.querySelector('.cart').replaceChildren(...lines);
    $('total').value = yuan(total);
    $('pay').disabled = total === 0;
  }

  function pay() {
    const checkout = document.createElement('saoma-checkout');
    checkout.setAttribute('items', [...cart].filter(([, n]) => n > 0).map(([sku, n]) => `${sku}:${n}`).join(','));
    checkout.addEventListener('paid', thank);
    checkout.addEventListener('cancelled', () => leaving && back());
    leaving = false;
    $('place').replaceChildren(checkout);
    show('checkout');
    $('checkout').scrollIntoView({ behavior: 'smooth', block: 'nearest' });
  }

  // To change the order is to give the old one up first: its code may be on somebody's phone already.
  let leaving = false;
  function change() {
    const checkout = $('place').firstElementChild;
    leaving = ['created', 'pending'].includes(checkout.state);
    if (leaving) checkout.cancel();
    else back();
  }

  function back() {
    $('place').replaceChildren();
    show('cart');
  }

  // The page is thankful when the browser says "paid". The shop hands the coffee over when its server does.
  function thank({ detail }) {
    $('number').value = 'A' + detail.orderId.slice(-3).toUpperCase();
    $('sum').value = yuan(detail.amount);
    cart.clear();
    setTimeout(() => {
      $('place').replaceChildren();
      show('thanks');
      $('thanks').querySelector('h2').focus({ preventScroll: true });
    }, 2500); // let the customer see the tick
  }

  document.querySelector('.menu').addEventListener('click', ({ target }) => {
    const step = Number(target.dataset.step);
    if (!step) return;
    const { sku } = target.closest('[data-sku]').dataset;
    cart.set(sku, Math.min(most, Math.max(0, (cart.get(sku) || 0) + step)));
    if (!$('thanks').hidden) show('cart');
    draw();
  });
  $('pay').addEventListener('click', pay);
  $('change').addEventListener('click', change);
  $('again').addEventListener('click', () => show('cart'));

  draw();
})();
