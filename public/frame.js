// The plain script of the checkout page. It starts the Go program, and it brings the customer to "paid"
// without it: the server paints every state, so all it takes is to ask, and to load the page again when
// there is news. It does all HTTP, for the Go program as well, and speaks with the shop's page around the
// frame through one MessagePort. The Go program has the WebSocket and everything that is seen.
(() => {
  'use strict';

  // Bounds, in milliseconds unless said otherwise.
  const WAIT = 25; // seconds the server holds a poll: below the 30 s at which the first proxies give up
  const POLL_LIMIT = 35_000; // WAIT and some patience with a slow network
  const CALL_LIMIT = 10_000;
  const POLL_LEAST = 1_000; // between two polls without news: a server that does not wait is not hammered
  const RETRY_FIRST = 1_000;
  const RETRY_MOST = 15_000;
  const SAFETY = 60_000; // a socket that a proxy cut silently looks open for ever: ask once a minute
  const TAKEOVER = 3_000; // the Go program may be this near; a reload in between would only delay it
  const SHOWN_LIMIT = 2_000; // a program that was told news and does not show it by then is dead
  const LOST = 3_000; // the server may be silent for a moment before we worry anybody
  const SLOW = 10_000; // WeChat Pay's code comes within a second; from here on we say that it takes long
  const OVERDUE = 3_000; // between two questions about an order whose time is over

  const page = JSON.parse(document.getElementById('saoma-page').textContent);
  const order = page.order;
  const url = '/v1/checkouts/' + encodeURIComponent(order.token);
  const started = performance.now();
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const jitter = (ms) => ms * (0.5 + Math.random() / 2);
  const final = (status) => status === 'paid' || status === 'refunded';

  let shown = order; // the order on the screen
  let program = 'none'; // the Go program: none, loading, running or gone
  let ears = null; // of the component
  let live = false; // the component's socket brings the news

  // When the server painted the page, by the local clock: the countdown runs from there.
  const answered = performance.getEntriesByType('navigation')[0]?.responseStart || started;
  const painted = Date.now() - (performance.now() - answered);

  // ---- News of the order, by HTTP. One request at a time.

  let asking = null; // the AbortController of the request in flight
  let wake = () => {}; // ends the pause between two requests
  let hurry = false; // somebody wants an answer now
  let unheard = 0; // since when the server is silent; 0 if it is not

  async function follow() {
    for (let fails = 0; !final(shown.status); ) {
      if (live && !hurry) await rest(SAFETY);
      const hold = live || hurry ? 0 : WAIT;
      hurry = false;
      const began = performance.now();
      const answer = await ask(hold);
      if (answer.order) {
        fails = 0;
        await news(answer.order);
        await rest(POLL_LEAST - (performance.now() - began));
      } else if (!answer.hurried) {
        silent();
        await rest(Math.max(jitter(Math.min(RETRY_FIRST * 2 ** fails++, RETRY_MOST)), answer.pause));
      }
    }
  }

  // ask fetches the order; the server holds the answer for so many seconds if it has no newer one.
  async function ask(hold) {
    const control = (asking = new AbortController());
    const timer = setTimeout(() => control.abort(), hold ? POLL_LIMIT : CALL_LIMIT);
    try {
      const query = hold ? `?after=${shown.version}&wait=${hold}` : '';
      const answer = await fetch(url + query, { signal: control.signal, cache: 'no-store' });
      const view = answer.ok ? await answer.json() : null;
      if (view?.id === order.id) return { order: view };
      if (answer.status === 404) return { pause: SAFETY }; // no such order any more, or a server that is behind
      return { pause: Math.min(answer.headers.get('Retry-After') * 1000 || 0, SAFETY) };
    } catch {
      return { hurried: control.signal.reason === 'hurry', pause: 0 };
    } finally {
      clearTimeout(timer);
      asking = null;
    }
  }

  // rest pauses until the time is over or somebody calls wake.
  const rest = (ms) => (hurry || ms <= 0 ? null : Promise.race([wait(ms), new Promise((end) => (wake = end))]));

  // check has the order fetched at once.
  function check() {
    hurry = true;
    asking?.abort('hurry');
    wake();
  }

  async function news(view) {
    unheard = 0;
    if (view.version <= shown.version) {
      if (program === 'running') hear('fine');
      else if (root().dataset.link === 'lost') sign('');
      return;
    }
    await until(() => program !== 'loading' || performance.now() - started > TAKEOVER);
    if (program === 'running') {
      hear('order', JSON.stringify(view));
      const told = performance.now();
      await until(() => shown.version >= view.version || performance.now() - told > SHOWN_LIMIT);
    }
    if (view.version > shown.version) await reload(view.version);
  }

  async function until(done) {
    while (!done()) await wait(50);
  }

  // reload lets the server paint. Should the page that comes back be no newer, then who paints is behind who
  // answers polls: we come back more and more slowly, not in a circle. history.state outlives the reload.
  async function reload(version) {
    const before = history.state?.saoma;
    const times = before?.version >= version ? before.times + 1 : 0;
    if (times > 0) await wait(jitter(Math.min(RETRY_FIRST * 2 ** times, RETRY_MOST)));
    history.replaceState({ saoma: { version, times } }, '');
    location.reload();
    await wait(CALL_LIMIT); // the page is going away
  }

  function silent() {
    unheard ||= performance.now();
    if (live) return; // the socket speaks; what a single call met is of no matter
    if (program === 'running') hear('lost');
    else if (performance.now() - unheard > LOST) sign('lost');
  }

  async function cancel() {
    const call = { method: 'POST', signal: AbortSignal.timeout?.(CALL_LIMIT) };
    const answer = await fetch(url + '/cancel', call).catch(() => ({ ok: false }));
    if (!answer.ok) refused();
    check(); // also when refused: perhaps it was paid a moment ago
  }

  // ---- The shop's page around the frame.

  let port = null;
  let height = 0;
  const post = (message) => port?.postMessage(message);
  const postOrder = () => {
    const { id, status, version, amount, currency } = shown;
    post({ type: 'order', order: { id, status, version, amount, currency } });
  };
  const postSize = () => post({ type: 'size', height });

  // connect takes the port from the first message that comes from the window around us and from an origin of
  // the merchant. Nothing is ever said to anybody else, and nothing else is listened to.
  function connect(event) {
    const hello = event.data;
    if (event.source !== window.parent || !page.origins?.includes(event.origin)) return;
    if (hello?.type !== 'saoma.connect' || hello.v !== 1 || event.ports.length !== 1) return;
    removeEventListener('message', connect);
    port = event.ports[0];
    port.onmessage = (message) => told(message.data);
    postOrder();
    postSize();
  }

  function told(message) {
    if (message?.type === 'cancel') cancel();
    if (message?.type === 'check') check();
    if (message?.type === 'theme' && ['auto', 'light', 'dark'].includes(message.theme)) {
      const look = document.documentElement.classList;
      look.remove('theme-auto', 'theme-light', 'theme-dark');
      look.add('theme-' + message.theme);
    }
  }

  if (window.parent !== window) {
    addEventListener('message', connect);
    new ResizeObserver(() => {
      height = Math.ceil(document.body.getBoundingClientRect().height);
      postSize();
    }).observe(document.body);
    // A key pressed in a frame is not heard by the dialog around it.
    addEventListener('keydown', (event) => event.key === 'Escape' && post({ type: 'close' }));
  }

  // ---- The page without the Go program: the countdown, the buttons, a word when the server is silent.

  const root = () => document.getElementById('saoma');
  const say = (text) => (document.getElementById('saoma-said').textContent = text);

  // sign shows one of the troubles that are painted but hidden, lost or slow, or none.
  function sign(link) {
    const before = root().dataset.link;
    root().dataset.link = link;
    say(link ? root().querySelector('.if-' + link)?.textContent || '' : '');
    if (link === 'lost' || before === 'lost') post({ type: link === 'lost' ? 'offline' : 'online' });
  }

  function refused() {
    if (program === 'running') hear('refused');
    else quit('refused');
  }

  function click(event) {
    const act = event.target.closest?.('[data-act]')?.dataset.act;
    if (!act || program === 'running') return;
    event.stopPropagation(); // a program that is gone must not be called
    if (act === 'check') check();
    if (act === 'ask') quit('asking');
    if (act === 'keep') quit('');
    if (act === 'cancel' && root().dataset.quit !== 'busy') {
      quit('busy');
      cancel();
    }
  }

  // quit shows how far the customer has come with giving up.
  function quit(step) {
    root().dataset.quit = step;
    say(step ? root().querySelector('.if-' + step).textContent : '');
  }

  let overdue = 0; // when we last asked because the time is over
  function tick() {
    if (program === 'running' || final(shown.status)) return;
    const now = Date.parse(page.now) + Date.now() - painted;
    if (shown.status === 'created' && !root().dataset.link && now - Date.parse(order.created_at) > SLOW) sign('slow');
    const time = document.getElementById('saoma-left');
    if (!time) return;
    const left = Math.ceil((Date.parse(time.dataset.until) - now) / 1000);
    time.parentElement.classList.toggle('over', left <= 0);
    time.textContent = clock(Math.max(left, 0));
    if (left <= 0 && Date.now() - overdue > OVERDUE) {
      overdue = Date.now();
      check();
    }
  }

  function clock(left) {
    const two = (n) => String(n).padStart(2, '0');
    const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  // ---- The Go program.

  // What go-app asks of the window it runs in.
  window.goappGetenv = () => '';
  window.goappKeepBodyClean = () => () => {};
  window.goappOnUpdate = window.goappOnAppInstallChange = window.goappNav = () => {};
  window.goappUpdatedBeforeWasmLoaded = window.goappAppInstallChangedBeforeWasmLoaded = false;

  // What the component asks of us.
  window.saoma = {
    painted,
    attach(call) {
      ears = call;
      program = 'running';
      performance.mark('saoma.live');
    },
    detach: gone,
    live(yes) {
      if (live === yes) return;
      live = yes;
      asking?.abort('hurry'); // the loop goes on in the new way
      wake();
    },
    changed(view) {
      shown = JSON.parse(view);
      postOrder();
    },
    online: (yes) => post({ type: yes ? 'online' : 'offline' }),
    check,
    cancel,
  };

  // hear tells the component. It throws when the program has ended in the middle of something.
  function hear(kind, body = '') {
    try {
      ears(kind, body);
    } catch {
      gone();
    }
  }

  function gone() {
    program = 'gone';
    live = false;
    check();
  }

  async function start() {
    program = 'loading';
    try {
      keepStorage();
      const go = new Go();
      const { instance } = await load(document.getElementById('saoma-program').href, go.importObject);
      await go.run(instance); // for as long as the program lives
    } catch (error) {
      console.warn('saoma: the page goes on without its program:', error);
    }
    gone();
  }

  async function load(address, imports) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(address + ' answered ' + answer.status);
    const streams = WebAssembly.instantiateStreaming && answer.headers.get('Content-Type') === 'application/wasm';
    if (streams) return WebAssembly.instantiateStreaming(answer, imports);
    return WebAssembly.instantiate(await answer.arrayBuffer(), imports);
  }

  // A browser that keeps storage from frames of other sites throws when it is touched, which would end the
  // program: go-app looks into it once at the start, for things that we never put there.
  function keepStorage() {
    for (const name of ['localStorage', 'sessionStorage']) {
      try {
        void window[name].length;
      } catch {
        const none = { length: 0, key: () => null, getItem: () => null, setItem() {}, removeItem() {}, clear() {} };
        Object.defineProperty(window, name, { value: none });
      }
    }
  }

  // ---- Begin.

  function awake() {
    check();
    if (program === 'running') hear('awake');
  }

  // After a reload for the sake of news, those who do not see it are told.
  const result = document.getElementById('saoma-result');
  if (result && history.state?.saoma) {
    if (document.hasFocus() || !document.documentElement.classList.contains('mode-inline')) result.focus();
    else setTimeout(() => say(result.textContent), 100); // a live region speaks of changes only
  }

  if (final(order.status)) return; // the server has painted all there is to see

  addEventListener('click', click, true);
  addEventListener('online', awake);
  addEventListener('offline', () => (program === 'running' ? hear('lost') : sign('lost')));
  addEventListener('pageshow', (event) => event.persisted && awake());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && awake());
  setInterval(tick, 250);
  follow();
  start();
})();
