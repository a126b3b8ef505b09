// The shop's server makes the order, for a sum that only it knows, and hands the order's token to the page.
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);

  async function begin() {
    $('again').hidden = $('trouble').hidden = true;
    const answer = await fetch('/bills?lang=' + document.documentElement.lang, { method: 'POST' }).catch(() => ({ ok: false }));
    if (!answer.ok) {
      $('again').hidden = $('trouble').hidden = false;
      return;
    }
    const { token } = await answer.json();
    const checkout = document.createElement('saoma-checkout');
    checkout.setAttribute('order', token);
    for (const end of ['paid', 'expired', 'cancelled']) {
      checkout.addEventListener(end, () => ($('again').hidden = false));
    }
    $('place').replaceChildren(checkout);
  }

  $('again').addEventListener('click', begin);
  begin();
})();
