// The customer's phone: a list of codes to scan, the pay sheet, and what comes of it.
import * as calls from "./calls.js";
import * as faults from "./faults.js";
import { say, switchLanguage, translate } from "./words.js";

const $ = (id) => document.getElementById(id);
const pollEvery = 1000; // milliseconds
const recentLimit = 6;

let book = { now: null, merchant: "", orders: [] }; // what the simulator last said
let opened = null; // the order on the sheet or the result
let opener = null; // what had the focus before a dialog

// yuan writes fen without ever making a fraction of them.
const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;
const owner = () => document.querySelector("input[name=owner]:checked").value;

// ---- the lists ----

// standing says what a phone could do with an order now; the simulator decides again when it is scanned.
function standing(order) {
  const now = Date.parse(book.now);
  if (paid(order)) {
    const back = refunded(order);
    return { over: true, text: back > 0 ? say("refunded", yuan(back)) : say("statePaid"), good: true };
  }
  if (order.state === "CLOSED") return { over: true, text: say("stateClosed") };
  const end = Math.min(Date.parse(order.code_expires_at), Date.parse(order.payable_until));
  const seconds = Math.floor((end - now) / 1000);
  if (seconds >= 0) return { over: false, text: say("left", clock(seconds)), soon: seconds < 60 };
  const late = Date.parse(order.payable_until) < now;
  return { over: true, text: say(late ? "stateLate" : "stateDead") };
}

const paid = (order) => order.state === "SUCCESS" || order.state === "REFUND";
const refunded = (order) => order.refunds.reduce((sum, r) => sum + (r.state === "SUCCESS" ? r.amount : 0), 0);

function clock(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h >= 24) return `${Math.floor(h / 24)}d ${h % 24}h`;
  const two = (n) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

// callbackText tells how the merchant was told of a payment or of a refund.
function callbackText(about) {
  const last = about.callbacks.at(-1);
  if (!last) return { text: say("telling") };
  const good = about.callbacks.findLast((c) => c.status === 200 || c.status === 204);
  if (good) {
    return { text: say("told", good.status), good: true };
  }
  if (last.fault === "lose") return { text: say("lost"), bad: true };
  return { text: say("untold", last.status || say("silent")), bad: true };
}

const refundWords = {
  PROCESSING: "refunding", SUCCESS: "refunded", ABNORMAL: "refundAbnormal", CLOSED: "refundClosed",
};

// refundText tells how a refund stands, and of its end how the merchant was told.
function refundText(refund) {
  const text = say(refundWords[refund.state], yuan(refund.amount));
  if (refund.state === "PROCESSING" || refund.notify_url === "") return { text };
  const told = callbackText(refund);
  return { text: `${text} · ${told.text}`, bad: told.bad || refund.state !== "SUCCESS" };
}

// fillRefunds writes one line for each refund; their number only grows.
function fillRefunds(box, refunds) {
  while (box.childElementCount < refunds.length) box.append(document.createElement("span"));
  refunds.forEach((refund, i) => {
    const is = refundText(refund);
    write(box.children[i], is.text);
    box.children[i].classList.toggle("bad", Boolean(is.bad));
  });
}

// draw brings a list to the given orders and keeps the elements that stay, so that focus and touch survive a poll.
function draw(list, orders) {
  const old = new Map([...list.children].map((li) => [li.dataset.number, li]));
  let before = list.firstElementChild;
  for (const order of orders) {
    const li = old.get(order.out_trade_no) ?? card(order);
    old.delete(order.out_trade_no);
    fill(li, order);
    if (li === before) before = before.nextElementSibling;
    else list.insertBefore(li, before);
  }
  for (const li of old.values()) li.remove();
}

function card(order) {
  const li = document.createElement("li");
  li.dataset.number = order.out_trade_no;
  const button = document.createElement("button");
  button.type = "button";
  button.append(icon("code"));
  for (const name of ["name", "sum", "meta", "more", "refunds"]) {
    const span = document.createElement("span");
    span.className = name;
    button.append(span);
  }
  button.addEventListener("click", () => {
    const now = book.orders.find((o) => o.out_trade_no === li.dataset.number);
    if (now) scan(now.code_url);
  });
  li.append(button);
  return li;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#" + name);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

function fill(li, order) {
  const is = standing(order);
  const [, name, sum, meta, more, refunds] = li.firstElementChild.children;
  write(name, order.description);
  write(sum, yuan(order.total));
  write(meta, is.text);
  meta.classList.toggle("good", Boolean(is.good));
  meta.classList.toggle("soon", Boolean(is.soon));
  const told = paid(order) ? callbackText(order) : { text: book.merchant };
  write(more, told.text);
  more.classList.toggle("bad", Boolean(told.bad));
  fillRefunds(refunds, order.refunds);
}

function render() {
  // Orders of the other channels have no code: they are paid in their own pages.
  const waiting = book.orders.filter((o) => o.code_url && !standing(o).over);
  const past = book.orders.filter((o) => standing(o).over).slice(0, recentLimit);
  draw($("waiting"), waiting);
  draw($("recent"), past);
  write($("count"), waiting.length === 0 ? "" : String(waiting.length));
  $("empty").hidden = waiting.length > 0;
  $("aim").hidden = waiting.length === 0;
  write($("time"), new Date(book.now).toLocaleTimeString("zh-CN", { hour: "numeric", minute: "2-digit" }));
  $("past").hidden = past.length === 0;
  write($("language"), say("toggle"));
  $("language").setAttribute("aria-label", say("toggleLabel"));
  if (opened) showOpened(book.orders.find((o) => o.out_trade_no === opened.out_trade_no) ?? opened);
}

// ---- the dialogs: one at a time, over a home screen that cannot be reached meanwhile ----

const dialogs = ["sheet", "trouble", "result"].map($);

function open(dialog) {
  if (dialogs.every((d) => d.hidden)) opener = document.activeElement;
  for (const d of dialogs) d.hidden = d !== dialog;
  $("home").inert = true;
  $("shade").hidden = dialog === $("result");
  const first = dialog.querySelector("button.main");
  (first.disabled ? dialog : first).focus();
}

function close() {
  for (const d of dialogs) d.hidden = true;
  $("home").inert = false;
  $("shade").hidden = true;
  opened = null;
  opener?.focus();
}

function fail(error) {
  opened = null;
  const code = error instanceof calls.Refusal ? error.code : "unreachable";
  const title = $("trouble-title");
  // Also written again when the language changes.
  title.dataset.t = code;
  $("trouble-why").dataset.t = code + "Why";
  translate();
  open($("trouble"));
}

function showOpened(order) {
  opened = order;
  write($("sheet-face"), [...book.merchant][0] ?? "");
  write($("sheet-payee"), say("payTo", book.merchant));
  write($("sheet-amount"), yuan(order.total));
  write($("sheet-what"), order.description);
  write($("result-amount"), yuan(order.total));
  write($("result-payee"), book.merchant);
  write($("result-what"), order.description);
  write($("result-payer"), say(order.payer === "小红" ? "hongAccount" : "mingAccount"));
  const told = callbackText(order);
  write($("result-callback"), told.text);
  $("result-callback").classList.toggle("good", Boolean(told.good));
  $("result-callback").classList.toggle("bad", Boolean(told.bad));
}

async function scan(codeURL, payer = owner()) {
  try {
    const { order } = await calls.scan(codeURL, payer);
    showOpened(order);
    for (const input of document.getElementsByName("payer")) input.checked = input.value === payer;
    busy(false);
    open($("sheet"));
  } catch (error) {
    fail(error);
  }
}

async function pay() {
  const payer = document.querySelector("input[name=payer]:checked").value;
  busy(true);
  try {
    const { order } = await calls.pay(opened.code_url, payer);
    showOpened(order);
    open($("result"));
    poll();
  } catch (error) {
    fail(error);
  } finally {
    busy(false);
  }
}

function busy(on) {
  $("pay").disabled = on;
  $("pay").dataset.t = on ? "paying" : "pay";
  $("pay").textContent = say($("pay").dataset.t);
}

// ---- the beat ----

let timer;

async function poll() {
  clearTimeout(timer);
  try {
    book = await calls.orders();
    await faults.refresh(book.speed);
    $("offline").hidden = true;
    render();
  } catch {
    $("offline").hidden = false;
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(poll, pollEvery);
}

function start() {
  translate();
  faults.start();
  $("language").addEventListener("click", () => { switchLanguage(); render(); });
  $("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    const code = $("code").value.trim();
    if (code) scan(code);
  });
  $("pay").addEventListener("click", pay);
  for (const input of document.getElementsByName("payer")) {
    input.addEventListener("change", () => scan(opened.code_url, input.value)); // another phone scans the same code
  }
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", close);
  $("shade").addEventListener("click", close);
  $("phone").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  poll();
}

start();
