// Pays inside WeChat, in place of following the link to it: once the customer has been there and back, the page holds
// what WeixinJSBridge wants. What the bridge says of the payment is a hint; what became of it the server knows.
(() => {
  'use strict';

  const BRIDGE = 5_000; // WeChat brings its bridge within a second; without it the link still leads on

  let { bridge } = JSON.parse(document.getElementById('saoma-page').textContent);
  let busy = false;

  const ready = () =>
    new Promise((done, fail) => {
      if (window.WeixinJSBridge) return done();
      document.addEventListener('WeixinJSBridgeReady', done, { once: true });
      setTimeout(fail, BRIDGE, new Error('no WeixinJSBridge'));
    });

  const invoke = () => new Promise((done) => window.WeixinJSBridge.invoke('getBrandWCPayRequest', bridge, done));

  async function pay() {
    if (busy) return;
    busy = true;
    const hint = await ready()
      .then(invoke)
      .then((result) => String(result?.err_msg).split(':')[1])
      .catch(() => 'fail');
    busy = false;
    if (hint === 'ok') document.querySelector('[data-act=check]')?.click();
    if (hint === 'ok' || hint === 'cancel') return;
    bridge = null; // another account's, or spent: the link gets a new one
    document.documentElement.dataset.busy = 'failed';
  }

  addEventListener(
    'click',
    (event) => {
      if (!bridge || !event.target.closest?.('#saoma-open')) return;
      event.preventDefault();
      pay();
    },
    true,
  );

  if (location.hash !== '#pay' || !bridge) return;
  history.replaceState(history.state, '', location.pathname + location.search); // once, also if the page is loaded again
  pay();
})();
