// The shop's server makes the order and hands its token to the page.
(() => {
  'use strict';

  const place = document.getElementById('place');
  const again = document.getElementById('again');

  async function begin() {
    again.hidden = true;
    const answer = await fetch('/order', { method: 'POST' });
    if (!answer.ok) {
      place.textContent = '开单失败，请重试。 No order could be made, please try again.';
      again.hidden = false;
      return;
    }
    const { token } = await answer.json();
    const checkout = document.createElement('saoma-checkout');
    checkout.setAttribute('order', token);
    for (const end of ['paid', 'expired', 'cancelled']) {
      checkout.addEventListener(end, () => {
        again.hidden = false;
      });
    }
    place.replaceChildren(checkout);
  }

  again.addEventListener('click', begin);
  begin();
})();
