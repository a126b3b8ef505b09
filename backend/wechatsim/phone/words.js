// All texts of the page in two languages. A key is missing in neither: say() would show it bare.
const words = {
  zh: {
    toggle: "EN", toggleLabel: "Switch to English", page: "手机模拟器",
    title: "扫一扫", faults: "故障", owner: "谁的手机", ming: "小明的手机", hong: "小红的手机",
    waiting: "等待扫码", empty: "还没有二维码。在商店里下单，这里就会出现。", aim: "镜头里的二维码，点一下就付款",
    paste: "或粘贴二维码内容", scan: "扫码", recent: "最近的订单", offline: "模拟器没有回答，正在重试…",
    payTo: "付款给 {0}", goods: "商品", by: "付款账号", account: "付款账号", mingAccount: "小明 · 零钱", hongAccount: "小红 · 零钱",
    pay: "立即支付", paying: "正在支付…", cancel: "取消付款", close: "关闭", ok: "知道了", done: "完成",
    bound: "先扫码的账号占用订单，换账号会被拒绝，与微信支付一样。", paid: "支付成功",
    left: "剩余 {0}", statePaid: "已支付", stateClosed: "已关闭", stateDead: "二维码已过期", stateLate: "已超过支付时间",
    telling: "正在通知商户…", told: "商户已收到通知（{0}）", untold: "商户没有确认（{0}），微信支付会再次通知",
    lost: "通知在路上丢失，微信支付会再次通知", silent: "无回答", noCallback: "尚未通知",
    refunding: "退款中 {0}", refunded: "已退款 {0}", refundAbnormal: "退款异常 {0}", refundClosed: "退款关闭 {0}",
    unknown_code: "无法识别的二维码", unknown_codeWhy: "这个二维码不是本模拟器给出的，或者模拟器已重新启动。",
    dead_code: "二维码已失效，请重新获取", dead_codeWhy: "二维码只有两小时有效；重新下单后，旧的二维码立即失效。",
    order_closed: "订单已关闭，请重新下单", order_closedWhy: "商户已关闭这个订单，不能再付款。",
    too_late: "订单已超过商户设置的最晚支付成功时间，请重新发起支付", too_lateWhy: "时间已过，但订单并未关闭：微信支付仍记为未支付。",
    already_paid: "订单已支付，请勿重复支付", already_paidWhy: "一个订单只能支付一次。",
    other_payer: "商家订单信息有误，请重新下单支付", other_payerWhy: "另一个微信账号先扫了这个二维码，只有它能付款。",
    unreachable: "网络不可用", unreachableWhy: "模拟器没有回答，请稍后再试。",
    faultsLead: "让微信支付出错，看看商店怎么办。", calm: "全部恢复正常",
    groupCallback: "支付通知（回调）", groupOrder: "下单与查询",
    lose: "通知丢失", loseWhy: "商户一个通知也收不到，只能自己去查询。",
    double: "通知两次", doubleWhy: "商户已经确认，同样的通知又来一次。只能记一次账。",
    late: "通知迟到 20 秒", lateWhy: "钱已付，通知却来得晚。商户自己查询会更早知道。",
    probe: "签名探测", probeWhy: "下一个通知的签名是错的（SIGNTEST），商户必须拒绝；重发的那一个是对的。",
    early: "付款快于回答", earlyWhy: "下一单：商户还没拿到二维码，通知已先到。",
    errorAfter: "下单成功却回答 500", errorAfterWhy: "下一单：订单已生成，商户却以为失败，要用相同参数重试。",
    hang: "下单超时", hangWhy: "下一单：订单已生成，但一直不回答，直到商户放弃等待。",
    queryError: "查询回答 500", queryErrorWhy: "所有查询都失败。商户不能因此认为没有付款。",
    groupRefund: "退款",
    notEnough: "商户余额不足", notEnoughWhy: "退款一律被拒绝（NOT_ENOUGH）。关掉就等于充值：商户用同一个退款单号重试即可。",
    abnormal: "退款异常", abnormalWhy: "下一笔退款到不了账（ABNORMAL）：用户的银行卡已失效，要人工处理。",
  },
  en: {
    toggle: "中文", toggleLabel: "切换到中文", page: "Phone simulator",
    title: "Scan", faults: "Faults", owner: "Whose phone", ming: "Ming’s phone", hong: "Hong’s phone",
    waiting: "Waiting to be scanned", aim: "What the camera sees. Tap a code to pay it",
    empty: "No codes yet. Order something in the shop and it will show up here.",
    paste: "Or paste what a QR code says", scan: "Scan", recent: "Recent orders",
    offline: "The simulator does not answer. Trying again…",
    payTo: "Pay {0}", goods: "For", by: "Paid from", account: "Pay from", mingAccount: "Ming · balance", hongAccount: "Hong · balance",
    pay: "Pay now", paying: "Paying…", cancel: "Cancel the payment", close: "Close", ok: "OK", done: "Done",
    bound: "The first account to scan owns the order. Another is refused, as at WeChat Pay.", paid: "Paid",
    left: "{0} left", statePaid: "Paid", stateClosed: "Closed", stateDead: "Code expired",
    stateLate: "Too late to pay",
    telling: "Telling the merchant…", told: "The merchant was told ({0})",
    untold: "The merchant did not accept ({0}). WeChat Pay will tell it again",
    lost: "The callback got lost. WeChat Pay will send it again", silent: "no answer", noCallback: "Not told yet",
    refunding: "Refunding {0}", refunded: "{0} refunded", refundAbnormal: "Refund of {0} stuck",
    refundClosed: "Refund of {0} closed",
    unknown_code: "Unknown code",
    unknown_codeWhy: "This simulator did not give this code, or it was restarted since.",
    dead_code: "This code is dead. Get a new one",
    dead_codeWhy: "A code lives for two hours, and dies at once when the order is given a new one.",
    order_closed: "The order is closed. Please order again",
    order_closedWhy: "The merchant closed this order. It cannot be paid any more.",
    too_late: "Past the latest time to pay that the merchant set. Please start again",
    too_lateWhy: "The time is over, yet the order is not closed: for WeChat Pay it is still unpaid.",
    already_paid: "Already paid", already_paidWhy: "An order can be paid only once.",
    other_payer: "The merchant’s order is not right. Please order again",
    other_payerWhy: "Another WeChat account scanned this code first. Only that one can pay.",
    unreachable: "No network", unreachableWhy: "The simulator does not answer. Try again in a moment.",
    faultsLead: "Make WeChat Pay go wrong and watch what the shop does.", calm: "Back to a good day",
    groupCallback: "Callbacks", groupOrder: "Orders and queries",
    lose: "Lose the callback", loseWhy: "No callback arrives at all. The merchant has to ask by itself.",
    double: "Send it twice", doubleWhy: "The merchant accepted, and is told again. It must book the money once.",
    late: "20 seconds late", lateWhy: "Paid, but the callback is slow. A merchant who asks knows earlier.",
    probe: "Signature probe",
    probeWhy: "The next callback carries a wrong signature (SIGNTEST) and must be refused. The resend is right.",
    early: "Faster than the answer",
    earlyWhy: "Next order: the callback arrives before the merchant even has the code.",
    errorAfter: "Order made, answer 500",
    errorAfterWhy: "Next order: it exists, but the merchant is told it failed. It must repeat the same request.",
    hang: "Order times out", hangWhy: "Next order: it exists, but no answer comes until the merchant gives up.",
    queryError: "Queries answer 500", queryErrorWhy: "Every query fails. That does not mean that nothing was paid.",
    groupRefund: "Refunds",
    notEnough: "Merchant has no money",
    notEnoughWhy: "Every refund is refused (NOT_ENOUGH). Off means topped up: the same number then works.",
    abnormal: "Refund gets stuck",
    abnormalWhy: "The next refund ends ABNORMAL: the customer’s card is dead, and a person must help.",
  },
};

const storageKey = "phone-language";

// remembered is what was chosen before; a frame of another site may have no storage.
function remembered() {
  try { return localStorage.getItem(storageKey); } catch { return null; }
}

// A page around this one names its language in the address.
let language = new URLSearchParams(location.search).get("lang") ?? remembered() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
if (!(language in words)) language = "zh";

export function say(key, ...values) {
  const text = words[language][key] ?? key;
  return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
}

// translate writes all fixed texts of the page.
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = say("page");
  for (const el of document.querySelectorAll("[data-t]")) el.textContent = say(el.dataset.t);
  for (const el of document.querySelectorAll("[data-label]")) el.setAttribute("aria-label", say(el.dataset.label));
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem(storageKey, language); } catch { /* the choice lasts as long as the page */ }
  translate();
}
