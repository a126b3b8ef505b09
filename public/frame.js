// The plain script of the checkout page. It starts the Go program, and it brings the customer to "paid"
// without it: the server paints every state, so all it takes is to ask, and to load the page again when
// there is news. It does all HTTP, for the Go program as well, and speaks with the shop's page around the frame
// through one MessagePort. The Go program has the WebSocket and everything that is seen.
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
  const DRIFT = 2_000; // a clock that jumps further than this was asleep, or set
  const READ = 6_000; // a short sentence is read by then
  const PAUSE_MOST = 5_000; // a customer waits this long for a server that asks for a pause, and then hears of it
  const RENEW_LIMIT = 60_000; // the server goes on asking WeChat Pay for the new code; we show something else by then
  const KIOSK_AGAIN = 15_000; // between two tries of a kiosk to get a new code by itself

  const page = JSON.parse(document.getElementById('saoma-page').textContent);
  const order = page.order;
  const url = '/v1/checkouts/' + encodeURIComponent(order.token);
  const started = performance.now();
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const jitter = (ms) => ms * (0.5 + Math.random() / 2);
  const final = (status) => status === 'paid' || status === 'refunded';
  const html = document.documentElement;
  const is = (name) => html.classList.contains(name);
  const find = (id) => document.getElementById('saoma-' + id);
  let shown = order; // the order on the screen
  let program = 'none'; // the Go program: none, loading, running or gone
  let ears = null; // of the component
  let live = false; // the component's socket brings the news

  // When the server painted the page, by the local clock: half of the way there and back before its answer came.
  const { requestStart = 0, responseStart = started } = performance.getEntriesByType('navigation')[0] || {};
  const trip = requestStart ? (responseStart - requestStart) / 2 : 0;
  const painted = Date.now() - (performance.now() - responseStart) - trip;

  // ---- News of the order, by HTTP. One request at a time.

  let asking = null; // the AbortController of the request in flight
  let wake = () => {}; // ends the pause between two requests
  let hurry = false; // somebody wants an answer now
  let unheard = 0; // since when the server is silent; 0 if it is not
  let heard = new Date(); // when we last knew what had become of the order

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
        silent(answer.crowded ? 'crowded' : 'lost');
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
      const view = answer.ok && (await answer.json());
      if (view?.id === order.id) return { order: view };
      if (answer.status === 404) return { pause: SAFETY }; // no such order any more, or a server that is behind
      const pause = Math.min(answer.headers.get('Retry-After') * 1000 || 0, SAFETY);
      return { pause, crowded: (await refusal(answer)) === 'many' };
    } catch {
      return { hurried: control.signal.reason === 'hurry', pause: 0 };
    } finally {
      clearTimeout(timer);
      asking = null;
    }
  }

  // rest pauses until the time is over or somebody calls wake.
  const rest = (ms) => (hurry || ms <= 0 ? null : Promise.race([wait(ms), new Promise((end) => (wake = end))]));

  // refresh has the order fetched at once.
  function refresh() {
    hurry = true;
    asking?.abort('hurry');
    wake();
  }

  async function news(view) {
    unheard = 0;
    heard = new Date();
    // The old code is closed and the new one on its way: nothing to load the page again for.
    if (busy === 'renew' && program !== 'running' && (view.status === 'expired' || view.status === 'created')) return;
    if (view.version <= shown.version) {
      if (program === 'running') hear('fine');
      else if (root().dataset.link !== 'slow') sign('');
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

  // glance looks once: what is paid may be refunded by the time the customer comes back to it.
  const glance = () => ask(0).then((answer) => answer.order && news(answer.order));

  async function until(done, limit = Infinity) {
    for (const since = performance.now(); !done() && performance.now() - since < limit; ) await wait(50);
  }

  // reload lets the server paint. Should the page that comes back be no newer, then who paints is behind who
  // answers polls: we come back more and more slowly, not in a circle. history.state outlives the reload.
  async function reload(version) {
    const before = history.state?.saoma;
    const times = before?.version >= version ? before.times + 1 : 0;
    if (times > 0) await wait(jitter(Math.min(RETRY_FIRST * 2 ** times, RETRY_MOST)));
    history.replaceState({ saoma: { version, times, busy, was: shown, code } }, '');
    location.reload();
    await wait(CALL_LIMIT); // the page is going away
  }

  function silent(link) {
    unheard ||= performance.now();
    const time = find('heard');
    if (time) time.textContent = heard.toTimeString().slice(0, 8);
    if (live) return; // the socket speaks; what a single call met is of no matter
    if (program === 'running') hear(link);
    else if (performance.now() - unheard > LOST) sign(link);
  }

  // ---- What the customer or the shop wants done.

  // refusal returns why a call was refused, as busy names it, if its answer says so.
  async function refusal(answer) {
    const { code } = (await answer.json?.().catch(() => {})) || {};
    return { too_many_requests: 'many', overloaded: 'many', out_of_stock: 'soldout' }[code];
  }

  // call returns why it was refused, or nothing.
  async function call(what, again = true) {
    const signal = AbortSignal.timeout?.(2 * CALL_LIMIT);
    const answer = await fetch(url + what, { method: 'POST', signal }).catch(() => ({}));
    const pause = answer.headers?.get('Retry-After') * 1000; // with 429 and 503
    if (again && pause > 0 && pause <= PAUSE_MOST) return wait(pause).then(() => call(what, false));
    refresh(); // also when refused: perhaps it was paid a moment ago
    return answer.ok ? '' : (await refusal(answer)) || 'norenew';
  }

  async function cancel() {
    if (!(await call('/cancel'))) return;
    post({ type: 'refused', what: 'cancel' });
    program === 'running' ? hear('refused') : quit('refused');
  }

  // What we are doing for the customer, renew or check, or for a moment what came of it: norenew, soldout, many, unpaid.
  let busy = '';
  function work(what) {
    busy = html.dataset.busy = what;
    say((what && root().querySelector('.if-' + what)?.textContent) || '');
    if (what && what !== 'renew' && what !== 'check') setTimeout(() => busy === what && work(''), READ);
  }

  async function renew() {
    if (busy === 'renew' || final(shown.status)) return;
    html.classList.remove('bright');
    work('renew');
    const refused = await call('/renew');
    if (!refused) await until(() => busy !== 'renew', RENEW_LIMIT);
    if (busy !== 'renew') return;
    work(refused || 'norenew');
    post({ type: 'refused', what: 'renew' });
    postOrder(); // what was held back
    refresh();
    if (is('mode-kiosk') && shown.status === 'expired') setTimeout(renew, KIOSK_AGAIN);
  }

  // check is "I have paid": the server asks WeChat Pay now. The answer may come faster than anybody reads.
  async function check() {
    if (busy || final(shown.status)) return;
    work('check');
    const [refused] = await Promise.all([call('/check'), wait(1_000)]);
    if (busy === 'check') work(refused === 'many' ? 'many' : 'unpaid');
  }

  const past = history.state?.saoma; // before the page was loaded again for the sake of news
  const former = (view) => (view.status === 'expired' ? 'expired' : ''); // its code, of which we know no more
  let code = order.code_url || past?.code || former(order); // the last one there was
  // moved is called when another view of the order is on the screen than before.
  function moved(before) {
    const fresh = shown.status === 'pending' && before.code_url !== shown.code_url;
    if (shown.status !== before.status || fresh) {
      html.classList.remove('bright', 'helping');
      disclose();
    }
    if (busy && (fresh || final(shown.status) || shown.status === 'cancelled')) work('');
    postOrder();
    if (fresh && code) post({ type: 'renewed' });
    code = shown.code_url || code || former(shown);
    if (is('mode-kiosk') && shown.status === 'expired') renew();
  }

  // ---- The shop's page around the frame.

  let port = null;
  const post = (message) => port?.postMessage(message);
  const postOrder = () => {
    const { id, status, version, amount, currency, return_url } = shown;
    if (busy === 'renew' && status === 'expired') return; // not for long
    post({ type: 'order', order: { id, status, version, amount, currency, return_url } });
  };
  const height = () => Math.ceil(document.body.getBoundingClientRect().height);
  const postSize = () => is('mode-kiosk') || post({ type: 'size', height: height() }); // a kiosk fills what it is given

  // connect takes the port from the first message that comes from the window around us and from an origin of
  // the merchant. Nothing is ever said to anybody else, and nothing else is listened to.
  function connect(event) {
    const hello = event.data;
    if (event.source !== window.parent || !page.origins?.includes(event.origin)) return;
    if (hello?.type !== 'saoma.connect' || hello.v !== 1 || event.ports.length !== 1) return;
    removeEventListener('message', connect);
    port = event.ports[0];
    port.onmessage = ({ data }) => Object.hasOwn(tellings, data?.type) && tellings[data.type](data);
    postOrder();
    postSize();
    unsaid.forEach(post);
  }

  let wish = null; // the shop's colours and measures
  const look = () => wish && window.saomaLook?.look(wish);

  // sound tells aloud of what is on the screen now.
  function sound() {
    const paid = shown.status === 'paid';
    const ended = paid || shown.status === 'expired' || shown.status === 'cancelled';
    if (is('sound') && ended) window.saomaLook?.sound(paid, paid && find('result')?.dataset.speech);
  }

  const unsaid = []; // to be said once there is somebody to say it to
  if (document.querySelector('.second')) unsaid.push({ type: 'needchannel' });

  const tellings = {
    cancel,
    renew,
    check,
    sound: ({ on }) => html.classList.toggle('sound', on === true),
    focus: () => (find('result') || find('scan'))?.focus(),
    look({ properties }) {
      find('look')?.remove(); // what the server painted of it
      wish = Object(properties);
      look();
    },
    theme({ theme }) {
      if (!['auto', 'light', 'dark'].includes(theme)) return;
      html.classList.remove('theme-auto', 'theme-light', 'theme-dark');
      html.classList.add('theme-' + theme);
      look(); // other colours are behind the shop's now
    },
  };

  if (window.parent !== window) {
    addEventListener('message', connect);
    new ResizeObserver(postSize).observe(document.body);
  }

  // A key pressed in a frame is not heard by the dialog around it.
  addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') is('bright') ? acts.restore() : post({ type: 'close' });
  });

  // ---- The page without the Go program: the countdown, the buttons, a word when the server is silent.

  const root = () => document.getElementById('saoma');
  const say = (text) => (program === 'running' ? hear('say', text) : (find('said').textContent = text));

  // sign shows one of the troubles that are painted but hidden, lost, crowded or slow, or none.
  function sign(link) {
    const before = root().dataset.link || '';
    if (link === before) return;
    root().dataset.link = link;
    say(link ? root().querySelector('.if-' + link)?.textContent || '' : '');
    if (link === 'lost' || before === 'lost') post({ type: link === 'lost' ? 'offline' : 'online' });
  }

  const acts = {
    check,
    renew,
    retry: awake,
    print: () => print(),
    done: () => post({ type: 'close' }),
    help: () => disclose(html.classList.toggle('helping')),
    enlarge() {
      html.classList.add('bright');
      find('restore').focus();
    },
    restore() {
      html.classList.remove('bright');
      find('enlarge')?.focus();
    },
  };

  const disclose = (open = is('helping')) => find('help-act')?.setAttribute('aria-expanded', open);

  function click(event) {
    const act = event.target.closest?.('[data-act]')?.dataset.act;
    if (Object.hasOwn(acts, act || '')) return acts[act]();
    if (!act || program === 'running') return;
    event.stopPropagation(); // a program that is gone must not be called
    if (act === 'ask' || act === 'keep') quit(act === 'ask' ? 'asking' : '');
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

  let beat = [Date.now(), performance.now()];
  let beatLeft = Math.ceil((Date.parse(order.expires_at) - Date.parse(page.now)) / 1000); // seconds on the countdown
  let overdue = 0; // when we last asked because the time is over
  function tick() {
    const last = beat;
    beat = [Date.now(), performance.now()];
    const [gap, ran] = [beat[0] - last[0], beat[1] - last[1]];
    if (final(shown.status)) return;
    if (Math.abs(gap) > DRIFT && document.visibilityState === 'visible') awake();
    // The two clocks of the browser differ: was it asleep, or was one set? Only a new page tells the time again.
    if (Math.abs(gap - ran) > DRIFT && program === 'gone') reload(shown.version);
    if (program === 'running') return;
    const now = Date.parse(page.now) + Date.now() - painted;
    if (shown.status === 'created' && !root().dataset.link && now - Date.parse(order.created_at) > SLOW) sign('slow');
    const time = find('left');
    if (!time) return;
    const left = Math.ceil((Date.parse(time.dataset.until) - now) / 1000);
    const text = clock(Math.max(left, 0));
    if (text === time.textContent) return;
    time.parentElement.classList.toggle('over', left <= 0);
    time.textContent = text;
    const spoken = time.dataset.spoken.split('~'); // seconds and words in turn
    const at = spoken.findIndex((s, i) => i % 2 === 0 && beatLeft > s && left <= s);
    if (at >= 0 && left > 0 && shown.status === 'pending') say(spoken[at + 1]);
    beatLeft = left;
  }

  // overtime asks about an order whose time is over.
  function overtime() {
    const open = shown.status === 'created' || shown.status === 'pending';
    if (program === 'running' || !open || Date.now() - overdue < OVERDUE) return;
    if (Date.parse(shown.expires_at) > Date.parse(page.now) + Date.now() - painted) return;
    overdue = Date.now();
    refresh();
  }

  function clock(left) {
    const two = (n) => String(n).padStart(2, '0');
    const [h, m, s] = [(left / 3600) | 0, ((left / 60) | 0) % 60, left % 60];
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
    trip,
    get busy() { return busy; },
    attach(call) {
      ears = call;
      program = 'running';
      performance.mark('saoma.live');
      disclose(); // its buttons are new ones
    },
    detach: gone,
    live(yes) {
      if (live === yes) return;
      if (live) heard = new Date();
      live = yes;
      asking?.abort('hurry'); // the loop goes on in the new way
      wake();
    },
    changed(view) {
      const before = shown;
      shown = JSON.parse(view);
      moved(before);
    },
    online: (yes) => post({ type: yes ? 'online' : 'offline' }),
    refresh,
    cancel,
    sound,
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
    refresh();
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
    return streams ? WebAssembly.instantiateStreaming(answer, imports) : WebAssembly.instantiate(await answer.arrayBuffer(), imports);
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

  // A kiosk's screen stays on. The browser takes the lock away whenever the page is hidden.
  const stayOn = () => is('mode-kiosk') && navigator.wakeLock?.request('screen').catch(() => {});

  function awake() {
    refresh();
    if (program === 'running') hear('awake');
  }

  addEventListener('click', click, true);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', look);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    stayOn();
    final(shown.status) ? glance() : awake();
  });
  stayOn();
  const before = past?.was; // those who do not see the news are told
  const result = find('result');
  if (before && before.version < order.version) {
    if (order.status === 'pending' && past.code && past.code !== order.code_url) unsaid.push({ type: 'renewed' });
    if (result && before.status !== order.status) {
      if (document.hasFocus() || !is('mode-inline')) result.focus();
      else setTimeout(() => say(result.textContent), 100); // a live region speaks of changes only
      sound();
    }
  }

  if (final(order.status)) return; // the server has painted all there is to see

  addEventListener('online', awake);
  addEventListener('offline', () => (program === 'running' ? hear('lost') : sign('lost')));
  // A page that is kept for the way back has no socket: the browser would cut it and say so in the console.
  addEventListener('pagehide', ({ persisted }) => persisted && program === 'running' && hear('asleep'));
  addEventListener('pageshow', ({ persisted }) => persisted && awake());
  setInterval(() => (tick(), overtime()), 250);
  follow();
  start();
  if (is('mode-kiosk') && order.status === 'expired') renew();
})();
