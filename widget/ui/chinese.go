package ui

var chinese = texts{
	Tag:       "zh-CN",
	Title:     "微信支付 %s · %s",
	TitlePaid: "已支付 %s · %s",
	Yuan:      "¥",

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
	Minute:    "还剩 1 分钟",
	Seconds:   "还剩 %d 秒",
	Checking:  "正在确认结果…",

	SecondScan: "请用另一台手机扫码付款",
	SecondHow:  "本机无法支付，截图、长按识别也不行。请用另一台手机的微信扫一扫对准这里。",
	Enlarge:    "放大显示", Bright: "请把屏幕亮度调到最高，再用另一台手机扫码", Restore: "返回",

	Here: "用本机微信支付", H5How: "点击后打开微信，付完会回到这里。", JSAPIHow: "请在微信里确认金额并支付。",
	HereFailed: "暂时打不开微信支付，请再试一次，或用另一台手机扫码。",
	Gone:       "请在微信里完成支付", GoneHow: "付完后结果会自动显示，也可以点“我已支付”查看。",
	Open: "打开微信支付", OpenAgain: "重新打开微信", Opening: "正在打开微信支付…", Elsewhere: "改用另一台手机扫码",

	Lost: "网络中断。如果已付款，请勿重复支付，结果会自动补上。", Heard: "上次检查",
	Slow: "微信支付还没有回应，正在继续获取。", Retry: "重试",

	HavePaid: "我已支付", AskingNow: "正在向微信支付查询…", NotPaid: "还没有查到付款。付款后结果会自动显示，请勿重复支付。",
	Help: "扫不了？", HelpHow: "微信提示已被别人扫过、订单有误或已失效？换一个新码就好，原来的码会作废。",
	Renew: "换一个新码", Renewing: "正在获取新的付款码…", RenewFailed: "暂时换不了新码，请稍后再试。",
	SoldOut: "部分商品库存不足。", TooMany: "当前请求较多，请稍候。",
	Missing: "找不到这笔订单", MissingHow: "链接可能不完整或已失效，请回到商家页面重新操作。",
	Unopened: "暂时打不开", UnopenedHow: "请稍后再试。如果已付款，请勿重复支付。", OpensItself: "页面会自动打开。",

	Cancel: "取消支付", Sure: "确定不付了吗？", SureYes: "确定取消", SureNo: "继续支付",
	Cancelling: "正在取消…", CancelFailed: "暂时无法取消，请稍后再试。",

	Paid: "支付成功", Late: "款项在订单结束后到账，商家已收到。",
	PaidAt: "支付时间", Zone: "", Reference: "商家单号", OrderID: "订单编号", PartRefunded: "已退款",
	Expired: "二维码已过期", ExpiredHow: "换一个新码就能继续支付。如果已付款，请勿重复支付，结果会自动显示在这里。",
	Cancelled: "订单已取消", CancelledHow: "这笔订单不再收款。如果已付款，结果会自动显示在这里。",
	Refunded: "已退款", RefundedHow: "款项将原路退回，到账时间以微信通知为准。",
	Return: "返回商家", Done: "完成", Print: "打印收据", NoInvoice: "本收据仅供核对，不能代替发票。",
	By:     "由微信支付收款",
	Speech: "微信收款%s",
}

var traditional = texts{
	Tag:       "zh-TW",
	Title:     "微信支付 %s · %s",
	TitlePaid: "已付款 %s · %s",
	Yuan:      "CN¥",

	What:  "、",
	More:  "等 %d 件",
	Count: "%s ×%d",

	Asking:    "正在向微信支付取得付款碼…",
	Scan:      "開啟微信掃一掃",
	How:       "在微信點右上角「＋」，選「掃一掃」，對準 QR Code",
	CodeName:  "微信支付 QR Code，金額 %s，收款方 %s",
	CodeReady: "付款碼已備妥，請開啟微信掃一掃。",
	Left:      "剩餘付款時間",
	Minutes:   "還剩 %d 分鐘",
	Minute:    "還剩 1 分鐘",
	Seconds:   "還剩 %d 秒",
	Checking:  "正在確認結果…",

	SecondScan: "請用另一支手機掃碼付款",
	SecondHow:  "本機無法付款，截圖、長按辨識也不行。請用另一支手機的微信掃一掃對準這裡。",
	Enlarge:    "放大顯示", Bright: "請把螢幕亮度調到最高，再用另一支手機掃碼", Restore: "返回",

	Here: "用本機微信付款", H5How: "點擊後開啟微信，付款後會回到這裡。", JSAPIHow: "請在微信確認金額並付款。",
	HereFailed: "暫時無法開啟微信支付，請再試一次，或用另一支手機掃碼。",
	Gone:       "請在微信完成付款", GoneHow: "付款後結果會自動顯示，也可以點「我已付款」查看。",
	Open: "開啟微信支付", OpenAgain: "重新開啟微信", Opening: "正在開啟微信支付…", Elsewhere: "改用另一支手機掃碼",

	Lost: "網路中斷。如果已付款，請勿重複付款，結果會自動補上。", Heard: "上次檢查",
	Slow: "微信支付尚未回應，仍在繼續取得。", Retry: "重試",

	HavePaid: "我已付款", AskingNow: "正在向微信支付查詢…", NotPaid: "還沒有查到付款。付款後結果會自動顯示，請勿重複付款。",
	Help: "掃不了？", HelpHow: "微信提示已被別人掃過、訂單有誤或已失效？換一個新碼即可，原來的碼會作廢。",
	Renew: "換一個新碼", Renewing: "正在取得新的付款碼…", RenewFailed: "暫時無法更換，請稍後再試。",
	SoldOut: "部分商品庫存不足。", TooMany: "目前請求較多，請稍候。",
	Missing: "找不到這筆訂單", MissingHow: "連結可能不完整或已失效，請回到商家頁面重新操作。",
	Unopened: "暫時打不開", UnopenedHow: "請稍後再試。如果已付款，請勿重複付款。", OpensItself: "頁面會自動開啟。",

	Cancel: "取消付款", Sure: "確定不付款了嗎？", SureYes: "確定取消", SureNo: "繼續付款",
	Cancelling: "正在取消…", CancelFailed: "暫時無法取消，請稍後再試。",

	Paid: "付款成功", Late: "款項在訂單結束後入帳，商家已收到。",
	PaidAt: "付款時間", Zone: "（北京時間）", Reference: "商家單號", OrderID: "訂單編號", PartRefunded: "已退款",
	Expired: "QR Code 已過期", ExpiredHow: "換一個新碼就能繼續付款。如果已付款，請勿重複付款，結果會自動顯示在這裡。",
	Cancelled: "訂單已取消", CancelledHow: "這筆訂單不再收款。如果已付款，結果會自動顯示在這裡。",
	Refunded: "已退款", RefundedHow: "款項將原路退回，入帳時間以微信通知為準。",
	Return: "返回商家", Done: "完成", Print: "列印收據", NoInvoice: "本收據僅供核對，不能代替發票。",
	By:     "由微信支付收款",
	Speech: "微信收款%s",
}
