// What the customer does in WeChat's own page: pay, or give up.
(() => {
  "use strict";

  const { kind, origin, return: back, prepay, does } = document.body.dataset;
  const call = JSON.parse(document.getElementById("call").textContent);
  const pay = document.getElementById("pay");
  const leave = document.getElementById("leave");

  // end goes back to the merchant's page: a browser by redirect_url, WeChat's sheet by closing over it.
  function end(result) {
    if (kind === "jsapi") {
      window.opener?.postMessage({ wechatsim: result }, origin || "*");
      window.close();
    } else if (back) {
      location.replace(back);
    } else {
      document.querySelector("main").innerHTML = "<p class='payee'>请返回浏览器</p>";
    }
  }

  async function order() {
    pay.disabled = true;
    const answer = await fetch(kind === "h5" ? "/_sim/h5" : "/_sim/jsapi", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(kind === "h5" ? { prepay_id: prepay } : call),
    });
    if (answer.ok) return end("ok");
    const trouble = document.querySelector(".trouble");
    trouble.textContent = (await answer.json()).message;
    trouble.hidden = false;
    pay.hidden = true;
  }

  pay?.addEventListener("click", order);
  leave?.addEventListener("click", () => end(pay && !pay.hidden ? "cancel" : "fail"));
  if (does === "cancel" || does === "fail") end(does);
  else if (does === "pay" && pay) order();
  else if (does === "pay") end("fail");
})();
