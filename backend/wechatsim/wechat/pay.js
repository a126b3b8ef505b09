// What the customer does in WeChat's own page: pay, or give up.
(() => {
  "use strict";

  const { kind, return: back, prepay, does } = document.body.dataset;
  const call = JSON.parse(document.getElementById("call").textContent);
  const pay = document.getElementById("pay");
  const leave = document.getElementById("leave");

  // end goes back to the merchant's page: a browser by redirect_url, WeChat's sheet by closing over it.
  function end() {
    if (kind === "h5" && back) return location.replace(back);
    const words = document.createElement("p");
    words.className = "payee";
    words.textContent = kind === "h5" ? "请返回浏览器" : "请关闭此窗口，回到商家页面";
    document.querySelector("main").replaceChildren(words);
    if (kind === "jsapi") window.close();
  }

  async function order() {
    pay.disabled = true;
    const answer = await fetch(kind === "h5" ? "/_sim/h5" : "/_sim/jsapi", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(kind === "h5" ? { prepay_id: prepay } : call),
    });
    if (answer.ok) return end();
    const trouble = document.querySelector(".trouble");
    trouble.textContent = (await answer.json()).message;
    trouble.hidden = false;
    pay.hidden = true;
  }

  pay?.addEventListener("click", order);
  leave?.addEventListener("click", end);
  if (does === "pay" && pay) order();
  else if (does) end();
})();
