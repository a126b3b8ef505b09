// Plays WeixinJSBridge in a page that is not open inside WeChat, against the simulator: for tests, and for whoever
// pastes it into a browser's console. A call of getBrandWCPayRequest opens WeChat's sheet as a window of its own, so
// that the page's Content-Security-Policy need not know of the simulator. window.wechatsimDoes = "pay", "cancel" or
// "fail" says what the customer does without being asked.
(() => {
  "use strict";
  if (window.top !== window) return; // WeChat has no bridge in frames

  const base = "{{base}}";
  const NAMES = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];

  function invoke(method, params, done) {
    const say = (result) => done({ err_msg: "get_brand_wcpay_request:" + result });
    const strings = NAMES.every((name) => typeof params?.[name] === "string");
    if (method !== "getBrandWCPayRequest" || !strings || Object.keys(params).length !== NAMES.length) return say("fail");
    const query = new URLSearchParams(params);
    query.set("page", location.href);
    query.set("does", window.wechatsimDoes || "");
    const sheet = window.open(base + "/_sim/jsapi?" + query, "wechatsim", "width=360,height=560");
    if (!sheet) return say("fail");
    const left = setInterval(() => sheet.closed && end("cancel"), 200);
    const hear = (event) => event.origin === base && event.data?.wechatsim && end(event.data.wechatsim);
    let ended = false;
    function end(result) {
      if (ended) return;
      ended = true;
      clearInterval(left);
      removeEventListener("message", hear);
      say(result);
    }
    addEventListener("message", hear);
  }

  // WeChat, too, brings its bridge some time after the page.
  addEventListener("load", () => setTimeout(() => {
    window.WeixinJSBridge = { invoke };
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  }, 100));
})();
