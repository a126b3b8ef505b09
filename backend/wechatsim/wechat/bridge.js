// Plays WeixinJSBridge in a page that is not open inside WeChat, against the simulator: for tests, and for whoever
// pastes it into a browser's console. A call of getBrandWCPayRequest opens WeChat's sheet as a window of its own: a
// page's Content-Security-Policy need not know of the simulator then, and its Cross-Origin-Opener-Policy may keep the
// two windows apart. So the bridge does not hear what the customer did there. It says "ok" once the page is looked at
// again, which WeChat, too, means as a hint only. window.wechatsimDoes = "pay", "cancel" or "fail" says what the
// customer does without being asked, and then that is what the page hears.
(() => {
  "use strict";
  if (window.top !== window) return; // WeChat has no bridge in frames

  const base = "{{base}}";
  const NAMES = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];
  const HINTS = { pay: "ok", cancel: "cancel", fail: "fail" };

  function invoke(method, params, done) {
    const say = (result) => done({ err_msg: "get_brand_wcpay_request:" + result });
    const strings = NAMES.every((name) => typeof params?.[name] === "string");
    if (method !== "getBrandWCPayRequest" || !strings || Object.keys(params).length !== NAMES.length) return say("fail");
    const does = window.wechatsimDoes || "";
    const query = new URLSearchParams({ ...params, page: location.href, does });
    window.open(base + "/_sim/jsapi?" + query, "wechatsim", "width=360,height=560");
    if (does) setTimeout(say, 500, HINTS[does]);
    else addEventListener("focus", () => say("ok"), { once: true });
  }

  // WeChat, too, brings its bridge some time after the page.
  addEventListener("load", () => setTimeout(() => {
    window.WeixinJSBridge = { invoke };
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  }, 100));
})();
