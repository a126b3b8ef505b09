package ui

import "strings"

// texts is every word a customer reads, in one language. A new language is one more entry of languages;
// a word left out is found by a test.
type texts struct {
	Tag       string // the language, as HTML's lang attribute has it
	Title     string // of the document: amount, payee
	TitlePaid string // amount, payee

	What  string // between the names of two items
	More  string // number of items not named
	Count string // name, quantity

	Asking    string
	Scan, How string
	CodeName  string // the QR code read aloud: amount, payee
	CodeReady string
	Left      string
	Minutes   string // spoken: minutes left
	Seconds   string // spoken: seconds left
	Checking  string

	Lost, Slow, Retry string

	Cancel, Sure, SureYes, SureNo, Cancelling, CancelFailed string

	Paid, Late, PaidAt, Zone, Reference, OrderID, PartRefunded string
	Expired, ExpiredHow                                        string
	Cancelled, CancelledHow                                    string
	Refunded, RefundedHow                                      string
	Return                                                     string
	By                                                         string
}

// languages is the table of what we speak. The first is shown to whom asks for none of them: WeChat's
// customers read Chinese. Nothing writes to it.
var languages = []*texts{&chinese, &english}

var chinese = texts{
	Tag:       "zh-CN",
	Title:     "微信支付 %s · %s",
	TitlePaid: "已支付 %s · %s",

	What:  "、",
	More:  "等 %d 件",
	Count: "%s ×%d",

	Asking:    "正在向微信支付获取付款码…",
	Scan:      "打开微信扫一扫",
	How:       "在微信里点右上角“＋”，选“扫一扫”，对准二维码",
	CodeName:  "微信支付二维码，金额 %s，收款方 %s",
	CodeReady: "付款码已就绪，请打开微信扫一扫。",
	Left:      "剩余支付时间",
	Minutes:   "还剩 %d 分钟",
	Seconds:   "还剩 %d 秒",
	Checking:  "正在确认结果…",

	Lost:  "网络连接中断。如果已付款，请勿重复支付，结果会自动补上。",
	Slow:  "微信支付还没有回应，正在继续获取。",
	Retry: "重试",

	Cancel: "取消支付", Sure: "确定不付了吗？", SureYes: "确定取消", SureNo: "继续支付",
	Cancelling: "正在取消…", CancelFailed: "暂时无法取消，请稍后再试。",

	Paid: "支付成功", Late: "款项在订单结束后到账，商家已收到。",
	PaidAt: "支付时间", Zone: "", Reference: "商家单号", OrderID: "订单编号", PartRefunded: "已退款",
	Expired:      "二维码已过期",
	ExpiredHow:   "请返回商家重新下单。如果已付款，请勿重复支付，结果会自动显示在这里。",
	Cancelled:    "订单已取消",
	CancelledHow: "这笔订单不再收款。如果已付款，结果会自动显示在这里。",
	Refunded:     "已退款",
	RefundedHow:  "款项将原路退回，到账时间以微信通知为准。",
	Return:       "返回商家",
	By:           "由微信支付收款",
}

var english = texts{
	Tag:       "en",
	Title:     "WeChat Pay %s · %s",
	TitlePaid: "Paid %s · %s",

	What:  ", ",
	More:  "and %d more",
	Count: "%s ×%d",

	Asking:    "Asking WeChat Pay for the code…",
	Scan:      "Scan with WeChat",
	How:       "In WeChat, tap “+” at the top right, choose Scan and point at the code",
	CodeName:  "WeChat Pay QR code, %s, to %s",
	CodeReady: "The code is ready. Scan it with WeChat.",
	Left:      "Time left to pay",
	Minutes:   "%d minutes left",
	Seconds:   "%d seconds left",
	Checking:  "Checking the result…",

	Lost:  "Connection lost. If you have paid, the result will appear here by itself.",
	Slow:  "WeChat Pay has not answered yet. We keep asking.",
	Retry: "Retry",

	Cancel: "Cancel payment", Sure: "Cancel this payment?", SureYes: "Yes, cancel", SureNo: "Keep paying",
	Cancelling: "Cancelling…", CancelFailed: "We could not cancel just now. Please try again.",

	Paid: "Payment successful", Late: "Your payment arrived after the order had ended. The shop has received it.",
	PaidAt: "Paid at", Zone: " (Beijing)", Reference: "Shop reference", OrderID: "Order", PartRefunded: "Refunded",
	Expired:      "The code has expired",
	ExpiredHow:   "Please order again at the shop. If you have paid, don’t pay again: the result will appear here.",
	Cancelled:    "Order cancelled",
	CancelledHow: "Nothing more will be taken. If you have paid, the result will appear here.",
	Refunded:     "Refunded",
	RefundedHow:  "The money goes back the way it came. WeChat will tell you when it arrives.",
	Return:       "Back to the shop",
	By:           "Paid through WeChat Pay",
}

// MatchLang chooses the language to paint a page in: the first of the wanted tags that we have, each
// falling back to its primary language ("en-GB" to "en", "zh-Hant-TW" to "zh-CN"). A wanted tag may be a
// whole Accept-Language header; its order is taken, its weights are not, since browsers sort it.
func MatchLang(wanted ...string) string {
	for _, list := range wanted {
		for tag := range strings.SplitSeq(list, ",") {
			tag, _, _ = strings.Cut(tag, ";")
			primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
			for _, t := range languages {
				if first, _, _ := strings.Cut(t.Tag, "-"); first == primary {
					return t.Tag
				}
			}
		}
	}
	return languages[0].Tag
}

func textsOf(lang string) *texts {
	tag := MatchLang(lang)
	for _, t := range languages {
		if t.Tag == tag {
			return t
		}
	}
	return languages[0]
}
