// Saoma's loader. It makes <saoma-checkout>, answers buttons with data-saoma-items or data-saoma-order, and
// offers Saoma.checkout(). All it puts into the shop's page is a frame on our origin; the two speak through
// one MessagePort. It needs no inline script or style, no eval, and only our origin in the shop's CSP.
// saoma.d.ts says what everything means to a shop. The bound is 4,096 bytes, minified and compressed.
(() => {
  const TAG = 'saoma-checkout';
  const script = document.currentScript || document.querySelector('script[src$="/saoma.js"]'); // none in a module
  if (customElements.get(TAG)) return console.warn('saoma: loaded twice', script?.src);
  const SERVER = new URL(script.src).origin;

  // Bounds, in milliseconds.
  const CALL_LIMIT = 15_000; // an order waits for WeChat Pay, which takes up to 10 s before it is given up
  const LOAD_LIMIT = 10_000; // a frame that a blocker stops fires no event at all
  const HELLO_LIMIT = 3_000; // from the frame's load to its first word; its script ran before that
  const PATIENCE = 30_000; // of Saoma.checkout, if the shop does not say otherwise
  const LEAVE_AFTER = 4_000; // long enough to read "paid", short enough not to be in the way
  const KIOSK_RETRY = 15_000; // nobody is there to press a button

  // What is said when the checkout does not open, the name of the cross, and the name of the checkout.
  const WORDS = {
    en: ['WeChat Pay', 'Not available just now', 'Close'],
    zh: ['微信支付', '暂时打不开', '关闭'],
    tw: ['微信支付', '暫時打不開', '關閉'],
    ja: ['WeChat Pay', '開けません', '閉じる'],
    ko: ['WeChat Pay', '열 수 없습니다', '닫기'],
  };

  // The custom properties that the frame is told of.
  const LOOKS = (
    'accent accent-text background surface text muted border success warning danger radius button-radius ' +
    'font font-size spacing shadow code-size max-width type'
  ).split(' ');
  // Style sheets made by script need no permission of the page's policy.
  const sheetOf = (css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  };
  const sheet = sheetOf(`
:host{display:block;max-width:var(--saoma-max-width,440px);margin:auto}
:host([mode=kiosk]),:host([mode=modal]){display:contents}
.box{color-scheme:light;color:CanvasText}
.dark,.dark .loaded{color-scheme:dark;--c:#1b1d21}
.inner{display:grid}
.inner>*{grid-area:1/1;width:100%;height:668px}
iframe{color-scheme:light;border:0}
.note{display:grid;place-content:center;justify-items:center;gap:12px;text-align:center}
.note:empty::before{content:"···";font-size:28px;color:gray}
.act{padding:8px 24px;border:1px solid;border-radius:8px;background:none;font:inherit;color:inherit;text-decoration:none}
dialog{width:420px;max-width:100%;max-height:100%;border:0;padding:0;border-radius:var(--saoma-radius,16px);background:var(--saoma-surface,var(--c,Canvas))}
dialog::backdrop{background:var(--saoma-overlay,#0008)}
.close{position:sticky;z-index:1;top:0;float:right;width:44px;height:44px;margin-bottom:-44px;border:0;background:none;font-size:24px}
.kiosk{width:100%;height:100%;border-radius:0}
.kiosk .inner>*{height:100vh!important}
@media(max-width:480px){dialog{height:100%;border-radius:0}}
:host([hidden]),[hidden]{display:none}`);

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  class SaomaError extends Error {
    constructor(code, message = code, more) {
      super('saoma: ' + message);
      Object.assign(this, { code, ...more });
    }
  }

  // webAddress returns an address that a page may be sent to, or nothing: never a script.
  function webAddress(text) {
    const address = text && make('a', { href: text }).href;
    if (/^https?:/.test(address)) return address;
  }
  const night = matchMedia('(prefers-color-scheme: dark)');

  // A Checkout is one element, one order at a time, one frame.
  class Checkout extends HTMLElement {
    #observer = new MutationObserver(() => this.#apply()); // of attributes: ours, and those that change the looks
    #opened; // the modal is wanted
    #wish; // what the order was made of
    #token; // of the order, once it is made
    #once; // the Idempotency-Key: a retry must not make a second order
    #shape; // what the frame was made with
    #box; // what is in the shadow root: a dialog, or not
    #note; // what is said in the place of the frame
    #frame;
    #lock; // the sheet that keeps the page behind the modal where it is
    #tries = 0; // frames in a row that did not answer
    #port;
    #sent; // the looks that the frame was told
    #wait; // timer: for the frame, or before a kiosk tries again
    #end; // timer: until the customer is led away
    #exit; // what leads the customer away
    #last; // the order as the frame last told it
    #state = 'loading';
    #over; // it can no longer be paid as it is
    #result;
    #settle; // ends the promise

    constructor() {
      super();
      this.#promise();
      this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
    }

    connectedCallback() {
      // A property that was set before this script came hides the one of the class.
      for (const [name, value] of Object.entries(this)) {
        delete this[name];
        this[name] = value;
      }
      for (let e = this; e; e = e.parentElement || e.getRootNode().host) this.#observer.observe(e, { attributes: true });
      night.addEventListener('change', this.#plan);
      this.#plan();
    }

    disconnectedCallback() {
      this.#observer.disconnect();
      night.removeEventListener('change', this.#plan);
      this.#hide(); // a dialog that is moved would stay open, but not modal
      this.#plan();
    }

    get state() { return this.#state; }
    get result() { return this.#result; }
    open() {
      if (!this.isConnected) document.body.append(this);
      this.#opened = true;
      this.#plan();
    }

    close() {
      if (!this.#box?.open || !this.#emit('close')) return;
      this.#opened = false;
      this.#hide();
      if (this.#kiosk && (this.passing || !this.items)) this.remove();
      if (this.#kiosk) this.#wish = null; // the next customer's order
      this.#plan();
    }

    renew() { this.#post({ type: 'renew' }); }
    cancel() { this.#post({ type: 'cancel' }); }
    destroy() { this.#unmount(); this.remove(); }

    #promise() { this.#result = new Promise((settle) => (this.#settle = settle)); }

    #post = (message) => this.#port?.postMessage(message);

    // #plan looks when the page has done: an element that is moved is taken out and put back in one go.
    #plan = () => queueMicrotask(() => this.#apply());

    #apply() {
      if (!this.isConnected) {
        this.#unmount();
        if (this.#over) this.#wish = null; // put back, it is for another order
        return;
      }
      const wish = [this.key, this.order, this.items, this.reference, this.returnUrl].join('\n');
      if (wish !== this.#wish) this.#forget();
      this.#wish = wish;
      const shape = this.mode + this.#lang;
      if (shape !== this.#shape) this.#unmount();
      this.#shape = shape;
      if (!this.order && !this.items) return;
      if (this.#modal && !this.#opened) {
        if (this.passing && this.#over) this.remove();
        return;
      }
      if (!this.#box) this.#start();
      if (this.#box.open === false) this.#show();
      this.#look();
    }

    #forget() {
      this.#unmount();
      if (this.#over) this.#promise();
      this.#state = 'loading';
      this.#last = {};
      this.#over = this.#token = this.#once = null;
    }

    #show() {
      this.#box.showModal();
      // The page keeps the room that its scrollbar took: nothing in it moves.
      this.#lock = sheetOf(`:root{overflow:hidden;padding-right:${innerWidth - document.documentElement.clientWidth}px}`);
      document.adoptedStyleSheets.push(this.#lock);
      this.#greet();
    }

    #hide() {
      if (!this.#box?.open) return;
      this.#box.close(); // gives the focus back
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== this.#lock);
    }

    #greet() {
      if (!this.#port || !this.#box.open) return;
      this.#frame.focus();
      this.#post({ type: 'focus' });
    }

    get #modal() { return this.mode === 'modal'; }
    get #kiosk() { return this.mode === 'kiosk'; }
    get #lang() { return this.closest('[lang]')?.lang || navigator.language; }
    get #words() { return WORDS[/^zh.*(tw|hk|mo|hant)/i.test(this.#lang) ? 'tw' : this.#lang.slice(0, 2)] || WORDS.en; }

    // The theme is dark where the page writes in a light colour: many dark pages declare no colour scheme.
    get #theme() {
      const theme = this.theme || script.dataset.theme;
      if (/^(dark|light)$/.test(theme)) return theme;
      const { color } = getComputedStyle(this);
      return parseFloat(color.match(/[\d.]+/)) > (color.startsWith('rgb') ? 128 : 0.5) ? 'dark' : 'light';
    }

    get #looks() {
      const style = getComputedStyle(this);
      const looks = {};
      for (const look of LOOKS) {
        const name = '--saoma-' + look;
        const value = style.getPropertyValue(name);
        if (value) looks[name] = value;
      }
      return looks;
    }

    // #look tells the frame how to look and sound, if that is new.
    #look() {
      const theme = this.#theme;
      this.#box.classList.toggle('dark', theme === 'dark');
      const messages = [{ type: 'theme', theme }, { type: 'look', properties: this.#looks }, { type: 'sound', on: this.hasAttribute('sound') }];
      const sent = JSON.stringify(messages);
      if (!this.#port || sent === this.#sent) return;
      this.#sent = sent;
      messages.forEach(this.#post);
    }

    // #start builds the box and fills it: with the order's frame, or with an apology.
    async #start() {
      this.#state = 'loading';
      const box = this.#build();
      try {
        const token = this.#token || this.order || (await this.#create());
        if (box !== this.#box) return; // too late
        this.#token = token;
        this.#mount();
      } catch (error) {
        if (box === this.#box) this.#fail(error);
      }
    }

    #build() {
      const [ariaLabel, , close] = this.#words;
      const inner = make('div', { className: 'inner' }, (this.#note = make('div', { className: 'note' })));
      const tag = this.#modal || this.#kiosk ? 'dialog' : 'div';
      const box = (this.#box = make(tag, { ariaLabel, className: 'box ' + this.mode }, inner));
      const cross = make('button', { className: 'close', textContent: '×', ariaLabel: close, onclick: this.#done });
      if (this.#modal) box.prepend(cross);
      box.oncancel = this.#done;
      box.onclose = this.#plan; // a browser may close it on Escape whatever we say
      this.shadowRoot.append(box);
      return box;
    }

    // #create has the order made from the catalogue and returns its token.
    async #create() {
      preload(); // WeChat Pay takes its time
      this.#once ||= crypto.getRandomValues(new Uint32Array(4)).join('-');
      const answer = await fetch(SERVER + '/v1/checkouts?lang=' + this.#lang, {
        method: 'POST',
        headers: { 'Idempotency-Key': this.#once, 'Content-Type': 'application/json' },
        body: JSON.stringify({
          key: this.key || script.dataset.key || '',
          // "latte:2,cake": a missing quantity is one. What is wrong, the server says.
          items: this.items.split(',').map((part) => {
            const [sku, quantity = 1] = part.trim().split(':');
            return { sku, quantity: +quantity };
          }),
          reference: this.reference || '',
          return_url: webAddress(this.returnUrl),
        }),
        signal: AbortSignal.timeout(CALL_LIMIT),
      });
      const body = await answer.json();
      if (answer.ok) return body.token;
      // Refused: there is no order to come back to, and the next try is a new one.
      if (answer.status < 500 || /refused/.test(body.code)) this.#once = null;
      throw new SaomaError(body.code, body.detail, { note: body.message, retryAfter: answer.headers.get('Retry-After') });
    }

    // #address says at once how the page shall look, and where a customer comes back to who leaves to pay in WeChat.
    #address(mode) {
      const back = webAddress(this.returnUrl || location.href);
      const query = new URLSearchParams({ lang: this.#lang, theme: this.#theme, mode, back, ...this.#looks });
      return `${SERVER}/checkout/${encodeURIComponent(this.#token)}?${query}`;
    }

    #mount() {
      this.#note.hidden = false;
      this.#note.replaceChildren();
      this.#frame = make('iframe', {
        title: this.#words[0],
        allow: 'autoplay; screen-wake-lock',
        sandbox: 'allow-scripts allow-same-origin allow-modals allow-popups allow-top-navigation-by-user-activation',
        onload: this.#connect,
        src: this.#address(this.mode || 'inline'),
      });
      this.#note.after(this.#frame);
      this.#expect(LOAD_LIMIT);
    }

    // #expect gives the frame some time. One that stays silent is made anew, in the end given up.
    #expect(limit) {
      clearTimeout(this.#wait);
      this.#wait = setTimeout(() => {
        this.#drop();
        if (++this.#tries < 3) this.#mount(); // or there is a link in its place
        else this.#fail(new SaomaError('frame'));
      }, limit);
    }

    // #connect hands the frame its end of a new channel. Only a document of our origin can receive it. It comes
    // again when the frame has loaded itself again, as it may.
    #connect = () => {
      this.#frame.className = 'loaded';
      this.#expect(HELLO_LIMIT);
      this.#port?.close();
      const { port1, port2 } = new MessageChannel();
      this.#port = port1;
      port1.onmessage = this.#hear;
      this.#frame.contentWindow.postMessage({ type: 'saoma.connect', v: 1 }, SERVER, [port2]);
      this.#sent = null;
      this.#look();
      this.#greet();
    };

    #hear = ({ data: { type, order, height } }) => {
      clearTimeout(this.#wait);
      this.#tries = 0;
      if (order) this.#news(order);
      if (height > 0) this.#frame.style.height = height + 'px';
      if (/line|renew|need/.test(type)) this.#emit(type);
      if (type === 'close') this.#done();
    };

    // #news tells the shop what changed: a status is news when it was another before, whatever is said again.
    #news(order) {
      const { status, version } = order;
      const before = this.#last;
      if (before.version > version) return;
      const changed = status !== before.status;
      if (this.#over && changed) this.#promise(); // renewed, or paid late
      this.#last = order;
      this.#state = status;
      this.#over = !/created|pending/.test(status);
      this.#note.hidden = true;
      if (!before.id) this.#emit('ready');
      if (!this.#over) return;
      this.#settle(this.#detail);
      if (changed && status !== 'refunded' && this.#emit(status)) this.#leave(status); // a refund is the shop's own doing
      this.#plan();
    }

    // #leave is the default action of the end: who has paid goes to the return address, or the modal closes. A
    // kiosk goes back to its start, also when the customer gave up.
    #leave(status) {
      if (status !== 'paid' && (!this.#kiosk || status === 'expired')) return;
      const back = !this.#kiosk && webAddress((this.returnUrl || this.#last.return_url)?.replace('{ORDER_ID}', this.#last.id));
      this.#exit = () => (back ? location.assign(back) : this.close());
      this.#end = setTimeout(this.#exit, this.#kiosk ? (this.backAfter || 8) * 1000 : LEAVE_AFTER);
    }

    // #done is how the customer gets away: Escape, the cross, a button in the frame. A kiosk that stands in a page
    // has nowhere to go before the end.
    #done = (event) => {
      event?.preventDefault();
      if (this.#exit) this.#exit();
      else if (!this.#kiosk || this.passing) this.close();
    };

    get #detail() {
      const { id = '', amount = 0, currency = 'CNY' } = this.#last;
      return { orderId: id, status: this.#state, amount, currency };
    }

    #emit(type, more) {
      const detail = { ...this.#detail, ...more };
      return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }));
    }

    // #fail says so in the place of the frame, unless the shop does.
    #fail(cause) {
      const code = cause.name === 'TimeoutError' ? 'timeout' : 'unreachable';
      const error = cause instanceof SaomaError ? cause : new SaomaError(code, cause.message);
      console.warn(error);
      this.#drop();
      this.#tries = 0;
      this.#state = 'failed';
      const again = () => { this.#unmount(); this.#plan(); };
      if (error.retryAfter || this.#kiosk) this.#wait = setTimeout(again, error.retryAfter * 1000 || KIOSK_RETRY);
      const [title, sorry] = this.#words;
      this.#note.replaceChildren(
        make('div', { textContent: error.note || sorry, role: 'alert' }),
        this.#token
          ? make('a', { className: 'act', textContent: title + ' ↗', href: this.#address('page'), target: '_blank' })
          : make('button', { className: 'act', textContent: title + ' ↻', onclick: again }),
      );
      this.#note.hidden = !this.#emit('failed', { error });
    }

    // #drop ends the frame and everything that waits for it.
    #drop() {
      clearTimeout(this.#wait);
      this.#port?.close();
      this.#frame?.remove();
      this.#port = this.#frame = null;
    }

    #unmount() {
      this.#drop();
      clearTimeout(this.#end);
      this.#hide();
      this.#box?.remove();
      this.#box = this.#exit = null;
    }
  }

  // Every attribute is a property too, as frameworks expect.
  for (const attribute of 'key order items mode theme return-url reference sound back-after'.split(' ')) {
    Object.defineProperty(Checkout.prototype, attribute.replace(/-./, (letter) => letter[1].toUpperCase()), {
      get() { return this.getAttribute(attribute); },
      set(value) {
        if (Array.isArray(value)) value = value.map(({ sku, quantity = 1 }) => sku + ':' + quantity);
        if (value == null || value === false) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value);
      },
    });
  }

  customElements.define(TAG, Checkout);
  // create makes an element of options that are named like its properties.
  function create({ container, mode = container ? 'inline' : 'modal', ...options }) {
    const element = make(TAG, { mode, ...options });
    if (container) container.append(element);
    else element.passing = true; // taken out of the page when it is over
    element.open();
    return element;
  }

  // Saoma.checkout promises the element, once the customer sees the order, or leaves nothing behind.
  function checkout({ timeout = PATIENCE, ...options }) {
    const element = create(options);
    const opened = new Promise((done, refuse) => {
      const give = (code) => refuse(new SaomaError(code));
      setTimeout(() => give('timeout'), timeout);
      element.addEventListener('ready', () => done(element));
      element.addEventListener('close', () => give('closed'));
      element.addEventListener('failed', (event) => refuse(event.detail.error));
    });
    opened.catch(() => element.destroy());
    return opened;
  }

  // preload has a hidden frame of ours fetch what a checkout needs: browsers keep what it loads apart from the page's.
  let warm;
  function preload() {
    if (navigator.connection?.saveData) return;
    warm ||= document.head.appendChild(make('iframe', { hidden: true, src: SERVER + '/v1/warm' }));
  }

  // Buttons open a modal, late ones and those in shadow trees too; again the same order, while it can be paid.
  const buttonOf = (event) => event.composedPath().find((e) => e.matches?.('[data-saoma-items], [data-saoma-order]'));
  for (const type of ['pointerover', 'focusin']) addEventListener(type, (event) => buttonOf(event) && preload());

  addEventListener('click', (event) => {
    const button = buttonOf(event);
    if (!button || event.defaultPrevented) return;
    event.preventDefault();
    const element = (button.saoma ||= create({}));
    for (const { name, value } of button.attributes) {
      if (name.startsWith('data-saoma-')) element.setAttribute(name.slice(11), value);
    }
    element.open();
  });

  // A page's policy that stops us is a riddle to most people: say which line mends it.
  addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective, originalPolicy }) => {
    if (!blockedURI.startsWith(SERVER)) return;
    const [line] = originalPolicy.match(effectiveDirective + '[^;]*') || [effectiveDirective];
    console.warn('saoma: the Content-Security-Policy needs:', line, SERVER);
  });

  window.Saoma = { version: '1.0.0', checkout, preload, SaomaError };
})();
