// Saoma's loader. It makes <saoma-checkout>, answers buttons with data-saoma-items or data-saoma-order, and
// offers Saoma.checkout(). All it puts into the shop's page is a frame on our origin; the two speak through
// one MessagePort. It needs no inline script or style, no eval, and only our origin in the shop's CSP.
(() => {
  'use strict';

  const TAG = 'saoma-checkout';
  const script = document.currentScript;
  if (customElements.get(TAG)) {
    console.warn('saoma: the script is in this page twice; this copy does nothing:', script?.src);
    return;
  }
  const SERVER = new URL(script.src).origin;

  // Bounds, in milliseconds.
  const CALL_LIMIT = 15_000; // an order waits for WeChat Pay, which takes up to 10 s before it is given up
  const LOAD_LIMIT = 15_000; // a frame that a policy or a blocker stops fires no event at all
  const HELLO_LIMIT = 4_000; // from the frame's load to its first word; its script ran before that
  const CLOSE_AFTER = 4_000; // long enough to read "paid", short enough not to be in the way

  const WORDS = {
    zh: {
      title: '微信支付',
      loading: '正在打开收银台…',
      failed: '收银台暂时打不开，请重试。',
      retry: '重试',
      close: '关闭',
    },
    en: {
      title: 'WeChat Pay',
      loading: 'Opening the checkout…',
      failed: 'The checkout cannot be opened just now.',
      retry: 'Retry',
      close: 'Close',
    },
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { display: block; max-width: 440px; margin-inline: auto }
    :host([mode=modal]) { display: contents }
    :host([hidden]) { display: none }
    .outer { color: #1d2129; color-scheme: light;
      font: 16px/1.5 system-ui, -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif }
    .outer.dark { color: #e6e8eb }
    .inner { position: relative; min-height: 668px }
    iframe { position: relative; display: block; width: 100%; height: 668px; border: 0; color-scheme: light }
    .dark iframe.loaded { color-scheme: dark }
    .note { position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center;
      justify-content: center; gap: 16px; padding: 24px; text-align: center }
    .note p { margin: 0; max-width: 20em; opacity: .75 }
    [hidden] { display: none }
    button { font: inherit; cursor: pointer; color: inherit }
    .retry { padding: 8px 24px; border: 1px solid; border-radius: 8px; background: none }
    dialog { box-sizing: border-box; width: min(420px, 100vw - 16px); max-width: none; max-height: calc(100vh - 16px);
      padding: 0; border: 0; border-radius: 16px; background: #fff; overflow: hidden auto;
      box-shadow: 0 24px 64px rgb(0 0 0 / .3) }
    dialog.dark { background: #1b1d21 }
    dialog::backdrop { background: rgb(0 0 0 / .5) }
    .close { position: sticky; z-index: 1; top: 8px; display: block; margin: 8px 8px -48px auto; width: 40px;
      height: 40px; border: 0; border-radius: 50%; background: none; font-size: 24px; line-height: 1; opacity: .6 }
    .close:hover { opacity: 1; background: rgb(128 128 128 / .15) }
    button:focus-visible { outline: 2px solid #07c160; outline-offset: 2px; opacity: 1 }
  `);

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // parseItems reads "latte:2,cake"; a missing quantity is one.
  function parseItems(text) {
    return text.split(',').map((part) => {
      const [, sku, quantity = '1'] = part.trim().match(/^(.+?)(?::([1-9]\d*))?$/) || [];
      if (!sku || sku.includes(':')) throw new Error(`saoma: items="${text}" is not like "latte:2,cake:1"`);
      return { sku, quantity: Number(quantity) };
    });
  }

  // isDark looks at what is really behind an element: the nearest background that is not transparent, or else
  // the page's colour scheme. Many dark pages never declare one.
  function isDark(element) {
    for (let e = element; e; e = e.parentElement || e.getRootNode().host) {
      const colour = getComputedStyle(e).backgroundColor;
      const [red, green, blue, opacity = 1] = colour.match(/[\d.]+/g) || [];
      if (colour.startsWith('rgb') && opacity > 0.5) return 0.3 * red + 0.6 * green + 0.1 * blue < 128;
    }
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    return scheme.includes('dark') && (!scheme.includes('light') || night.matches);
  }

  const night = matchMedia('(prefers-color-scheme: dark)');

  const promise = () => {
    let resolve;
    return { promise: new Promise((done) => (resolve = done)), resolve };
  };

  // The states in which an order may still be paid.
  const OPEN = ['loading', 'failed', 'created', 'pending'];

  // A Checkout is one element, one order at a time, one frame. Its events are ready, paid, expired, cancelled,
  // failed, close, offline and online.
  class Checkout extends HTMLElement {
    static observedAttributes = ['key', 'order', 'items', 'mode', 'theme', 'lang'];

    #root = this.attachShadow({ mode: 'open' });
    #planned = false;
    #opened = false; // the modal is wanted
    #wish = ''; // what the order was made of
    #token = ''; // of the order; empty until it is made
    #once = []; // the last request and its Idempotency-Key: a retry must not make a second order
    #turn = 0; // an answer to an earlier turn comes too late
    #look = ''; // what the frame was made with
    #box = null; // what is in the shadow root: a dialog, or not
    #note = null; // what is said in the place of the frame
    #frame = null;
    #port = null;
    #timers = new Set();
    #last = null; // the order as the frame last told it
    #told = new Set(); // the events that come once
    #failed = false;
    #result = promise();

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
    }

    connectedCallback() {
      night.addEventListener('change', this.#theme);
      this.#plan();
    }

    disconnectedCallback() {
      night.removeEventListener('change', this.#theme);
      this.#box?.removeAttribute('open'); // a dialog that is moved would stay open, but not modal
      this.#plan();
    }

    attributeChangedCallback() {
      this.#plan();
    }

    // The status of the order, or loading, or failed.
    get state() {
      return this.#failed ? 'failed' : this.#last?.status || 'loading';
    }

    // A promise of the first final state: paid, expired, cancelled or refunded.
    get result() {
      return this.#result.promise;
    }

    open() {
      this.#opened = true;
      this.#plan();
    }

    close() {
      this.#opened = false;
      if (this.#box?.open) this.#box.close();
    }

    cancel() {
      this.#port?.postMessage({ type: 'cancel' });
    }

    destroy() {
      this.close();
      this.remove();
      this.#unmount();
    }

    // #plan looks at the element once the page has done with it: an element that is moved is taken out and put
    // back in one go, and its attributes come one by one.
    #plan() {
      if (this.#planned) return;
      this.#planned = true;
      queueMicrotask(() => {
        this.#planned = false;
        this.#apply();
      });
    }

    #apply() {
      if (!this.isConnected) {
        this.#unmount();
        if (!OPEN.includes(this.state)) this.#wish = ''; // put back, it is for another order
        return;
      }
      const wish = ['key', 'order', 'items'].map((name) => this.getAttribute(name)).join('\n');
      if (wish !== this.#wish) this.#forget(wish);
      const look = this.#modal + this.#lang;
      if (look !== this.#look) this.#unmount();
      this.#look = look;
      if (!this.hasAttribute('order') && !this.hasAttribute('items')) return;
      if (this.#modal && !this.#opened) return;
      if (!this.#box) this.#start();
      if (this.#modal && !this.#box.open) this.#box.showModal();
      this.#theme();
    }

    // #forget begins again with another order.
    #forget(wish) {
      this.#unmount();
      if (this.#told.size) this.#result = promise();
      this.#wish = wish;
      this.#token = '';
      this.#once = [];
      this.#last = null;
      this.#told.clear();
    }

    get #modal() {
      return this.getAttribute('mode') === 'modal';
    }

    get #lang() {
      return this.closest('[lang]')?.lang || navigator.language;
    }

    get #words() {
      return this.#lang.toLowerCase().startsWith('zh') ? WORDS.zh : WORDS.en;
    }

    get #dark() {
      const theme = this.getAttribute('theme') || script.dataset.theme;
      return theme === 'dark' || (theme !== 'light' && isDark(this.#modal ? document.body : this));
    }

    #theme = () => {
      if (!this.#box) return;
      this.#box.classList.toggle('dark', this.#dark);
      this.#port?.postMessage({ type: 'theme', theme: this.#dark ? 'dark' : 'light' });
    };

    #after(ms, act) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        act();
      }, ms);
      this.#timers.add(timer);
      return () => clearTimeout(timer);
    }

    // #start builds the box and fills it: with the order's frame, or with an apology.
    async #start() {
      const turn = ++this.#turn;
      this.#failed = false;
      this.#build();
      try {
        if (!this.#token) {
          const token = this.getAttribute('order') || (await this.#order());
          if (turn !== this.#turn) return;
          this.#token = token;
        }
        this.#mount();
      } catch (error) {
        if (turn === this.#turn) this.#fail(error);
      }
    }

    #build() {
      const words = this.#words;
      this.#note = make('div', { className: 'note' }, make('p', { textContent: words.loading }));
      const inner = make('div', { className: 'inner' }, this.#note);
      if (!this.#modal) this.#box = make('div', {}, inner);
      else {
        const close = make('button', { type: 'button', className: 'close', textContent: '×' });
        close.setAttribute('aria-label', words.close);
        close.onclick = () => this.close();
        this.#box = make('dialog', {}, close, inner);
        this.#box.setAttribute('aria-label', words.title);
        this.#box.onclose = () => {
          this.#opened = false;
          this.#emit('close');
        };
      }
      this.#box.classList.add('outer');
      this.#root.append(this.#box);
    }

    // #order has the order made from the catalogue and returns its token.
    async #order() {
      const back = this.getAttribute('return-url');
      const wanted = JSON.stringify({
        key: this.getAttribute('key') || script.dataset.key || '',
        items: parseItems(this.getAttribute('items')),
        reference: this.getAttribute('reference') || undefined,
        return_url: back ? new URL(back, document.baseURI).href : undefined,
      });
      if (this.#once[0] !== wanted) this.#once = [wanted, crypto.getRandomValues(new Uint32Array(4)).join('-')];
      const answer = await fetch(SERVER + '/v1/checkouts', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': this.#once[1] },
        body: wanted,
        signal: AbortSignal.timeout?.(CALL_LIMIT),
      });
      const body = await answer.json();
      if (answer.ok) return body.token;
      // Refused: there is no order to come back to, and the next try is a new one.
      if (answer.status < 500 || body.code === 'wechat_pay_refused') this.#once = [];
      throw Object.assign(new Error('saoma: ' + (body.detail || body.title)), { code: body.code });
    }

    #mount() {
      const url = new URL('/checkout/' + encodeURIComponent(this.#token), SERVER);
      url.search = new URLSearchParams({
        lang: this.#lang,
        theme: this.#dark ? 'dark' : 'light',
        mode: this.#modal ? 'modal' : 'inline',
      });
      const frame = make('iframe', {
        title: this.#words.title,
        allow: 'clipboard-write; autoplay; screen-wake-lock',
        referrerPolicy: 'strict-origin',
      });
      const rights = ['scripts', 'same-origin', 'popups', 'top-navigation-by-user-activation'];
      frame.sandbox.add(...rights.map((right) => 'allow-' + right));
      frame.onload = () => this.#connect(frame);
      this.#quiet = this.#after(LOAD_LIMIT, () => this.#fail(new Error('saoma: the frame did not load')));
      this.#frame = frame;
      frame.src = url;
      this.#note.after(frame);
    }

    #quiet = () => {}; // ends the wait for the frame's first word

    // #connect hands the frame its end of a new channel. Only a document of our origin can receive it. It comes
    // again when the frame has loaded itself again, as it may.
    #connect(frame) {
      frame.className = 'loaded';
      this.#quiet();
      this.#quiet = this.#after(HELLO_LIMIT, () => this.#fail(new Error('saoma: the frame does not answer')));
      const { port1, port2 } = new MessageChannel();
      this.#port?.close();
      this.#port = port1;
      port1.onmessage = ({ data }) => this.#hear(data);
      frame.contentWindow.postMessage({ type: 'saoma.connect', v: 1 }, SERVER, [port2]);
      this.#theme();
    }

    #hear(message) {
      this.#quiet();
      if (message.type === 'order') this.#news(message.order);
      if (message.type === 'size' && message.height > 0) this.#frame.style.height = message.height + 'px';
      if (message.type === 'offline' || message.type === 'online') this.#emit(message.type);
      if (message.type === 'close' && this.#modal) this.close();
    }

    #news(order) {
      if (this.#last?.id === order.id && this.#last.version > order.version) return;
      this.#last = order;
      this.#note.hidden = true;
      this.#tell('ready');
      if (OPEN.includes(order.status)) return;
      this.#result.resolve(this.#detail);
      if (order.status === 'refunded') return; // the shop's own doing
      const closes = this.#tell(order.status) && order.status === 'paid' && this.#modal;
      if (closes) this.#after(CLOSE_AFTER, () => this.close());
    }

    get #detail() {
      const { id = '', status = this.state, amount = 0, currency = 'CNY' } = this.#last || {};
      return { orderId: id, status, amount, currency };
    }

    #emit(type, more) {
      const detail = { ...this.#detail, ...more };
      return this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, cancelable: true, detail }));
    }

    // #tell emits an event that comes once, and reports whether its default action may follow.
    #tell(type) {
      if (this.#told.has(type)) return false;
      this.#told.add(type);
      return this.#emit(type);
    }

    // #fail says so in the place of the frame, unless the shop does.
    #fail(error) {
      console.warn(error);
      this.#turn++;
      this.#drop();
      this.#failed = true;
      const note = this.#note;
      note.hidden = !this.#emit('failed', { error });
      const retry = make('button', { type: 'button', className: 'retry', textContent: this.#words.retry });
      retry.onclick = () => {
        this.#unmount();
        this.#plan();
      };
      note.replaceChildren(make('p', { textContent: this.#words.failed }), retry);
      note.firstChild.setAttribute('role', 'alert');
    }

    // #drop ends the frame and everything that waits for it.
    #drop() {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers.clear();
      this.#port?.close();
      this.#frame?.remove();
      this.#port = this.#frame = null;
    }

    #unmount() {
      this.#turn++;
      this.#drop();
      if (!this.#box) return;
      this.#box.onclose = null;
      this.#box.remove();
      this.#box = null;
    }
  }

  customElements.define(TAG, Checkout);

  // create makes an element of options that are named like its attributes.
  function create({ container, items, returnUrl, ...options }) {
    const element = document.createElement(TAG);
    if (Array.isArray(items)) items = items.map(({ sku, quantity = 1 }) => sku + ':' + quantity).join(',');
    const attributes = { mode: container ? 'inline' : 'modal', items, 'return-url': returnUrl, ...options };
    for (const [name, value] of Object.entries(attributes)) if (value != null) element.setAttribute(name, value);
    (container || document.body).append(element);
    element.open();
    return element;
  }

  // Saoma.checkout opens a modal, or fills the container it is given. It promises the element, once the
  // customer sees the order.
  function checkout(options) {
    return new Promise((done, refuse) => {
      const element = create(options);
      element.addEventListener('ready', () => done(element), { once: true });
      element.addEventListener('failed', (event) => refuse(event.detail.error), { once: true });
    });
  }

  // Buttons open a modal: also buttons that come later or stand in another shadow tree. A second press opens
  // the same order again while it can be paid.
  const pressed = new WeakMap();
  document.addEventListener('click', (event) => {
    const button = event.composedPath().find((e) => e.matches?.('[data-saoma-items], [data-saoma-order]'));
    if (!button || event.defaultPrevented) return;
    event.preventDefault();
    const options = {};
    for (const [name, value] of Object.entries(button.dataset)) {
      if (name.startsWith('saoma')) options[name[5].toLowerCase() + name.slice(6)] = value;
    }
    const wish = JSON.stringify(options);
    const before = pressed.get(button);
    if (before?.wish === wish && OPEN.includes(before.element.state)) return before.element.open();
    before?.element.destroy();
    pressed.set(button, { wish, element: create(options) });
  });

  window.Saoma = Object.freeze({ version: '1.0.0', checkout });
})();
