// The column of faults: each switch is one count of the simulator's Faults. Those with -1 stay on until they are
// switched off; those with 1 strike once and then show themselves off again.
import * as calls from "./calls.js";
import { say, translate } from "./words.js";

const switches = [
  { group: "groupCallback", name: "lose", at: ["callback", "lose"], count: -1 },
  { group: "groupCallback", name: "double", at: ["callback", "double"], count: -1 },
  { group: "groupCallback", name: "late", at: ["callback", "late"], count: -1,
    also: () => ({ late_seconds: 20 * speed }) },
  { group: "groupCallback", name: "probe", at: ["callback", "probe_signature"], count: 1 },
  { group: "groupOrder", name: "early", at: ["prepay", "customer_pays"], count: 1 },
  { group: "groupOrder", name: "errorAfter", at: ["prepay", "error_after"], count: 1 },
  { group: "groupOrder", name: "hang", at: ["prepay", "hang_after"], count: 1 },
  { group: "groupOrder", name: "queryError", at: ["query", "error_before"], count: -1 },
  { group: "groupRefund", name: "notEnough", at: ["refund_outcome", "not_enough"], count: -1 },
  { group: "groupRefund", name: "abnormal", at: ["refund_outcome", "abnormal"], count: 1 },
];

let speed = 1; // the simulator divides its delays by it; the texts promise real seconds

const phone = document.getElementById("phone");
const panel = document.getElementById("faults");
const shade = document.getElementById("faults-shade");
const opener = document.getElementById("open-faults");
const badge = document.getElementById("badge");

function element(tag, name, parent, attributes = {}) {
  const el = document.createElement(tag);
  el.className = name;
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  parent.append(el);
  return el;
}

function build() {
  let group, box;
  for (const s of switches) {
    if (s.group !== group) {
      group = s.group;
      const set = element("fieldset", "group", document.getElementById("switches"));
      element("legend", "", set, { "data-t": group });
      box = element("div", "box", set);
    }
    const row = element("label", "switch", box);
    const words = element("span", "words", row);
    element("b", "", words, { "data-t": s.name });
    element("small", "", words, { "data-t": s.name + "Why", id: "why-" + s.name });
    s.input = element("input", "", row, { type: "checkbox", role: "switch", "aria-describedby": "why-" + s.name });
    s.input.addEventListener("change", () => flip(s));
  }
}

// flip changes one count and leaves the others as the simulator has them now.
async function flip(s) {
  try {
    const all = await calls.faults();
    const [group, field] = s.at;
    all[group][field] = s.input.checked ? s.count : 0;
    if (s.also) Object.assign(all[group], s.also());
    show(await calls.setFaults(all));
  } catch {
    s.input.checked = !s.input.checked;
  }
}

function show(all) {
  let on = 0;
  for (const s of switches) {
    const [group, field] = s.at;
    s.input.checked = all[group][field] !== 0;
    if (s.input.checked) on++;
  }
  badge.hidden = on === 0;
  badge.textContent = on || "";
  opener.setAttribute("aria-label", on === 0 ? say("faults") : `${say("faults")} (${on})`);
}

// refresh shows what the simulator has; switches that struck have gone off.
export async function refresh(simulatorSpeed) {
  speed = simulatorSpeed;
  show(await calls.faults());
}

// open slides the column over the phone, which only a narrow window needs.
function open(on) {
  panel.classList.toggle("open", on);
  shade.hidden = !on;
  phone.inert = on;
  opener.setAttribute("aria-expanded", String(on));
  (on ? panel : opener).focus();
}

export function start() {
  build();
  translate();
  opener.addEventListener("click", () => open(true));
  shade.addEventListener("click", () => open(false));
  document.getElementById("close-faults").addEventListener("click", () => open(false));
  matchMedia("(min-width: 820px)").addEventListener("change", () => { if (phone.inert) open(false); });
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") open(false); });
  document.getElementById("calm").addEventListener("click", async () => {
    try { show(await calls.setFaults({})); } catch { /* the home screen says that nothing answers */ }
  });
}
