package ui

var japanese = texts{
	Tag:       "ja",
	Title:     "WeChat Pay %s · %s",
	TitlePaid: "お支払い済み %s · %s",
	Yuan:      "CN¥",

	What:  "、",
	More:  "他%d点",
	Count: "%s ×%d",

	Asking:    "WeChat Payから支払いコードを取得しています…",
	Scan:      "WeChatでスキャン",
	How:       "WeChat右上の「＋」から「スキャン」を選び、QRコードにかざしてください",
	CodeName:  "WeChat PayのQRコード、金額%s、お支払い先 %s",
	CodeReady: "コードの準備ができました。WeChatでスキャンしてください。",
	Left:      "お支払い期限まで",
	Minutes:   "残り%d分です",
	Minute:    "残り1分です",
	Seconds:   "残り%d秒です",
	Checking:  "結果を確認しています…",

	SecondScan: "別のスマホでスキャン",
	SecondHow:  "スクリーンショットでも支払えません。別のスマホのWeChatで読み取ってください。",
	Enlarge:    "拡大表示", Bright: "画面を最も明るくして、別のスマホでスキャンしてください", Restore: "元に戻す",

	Here: "WeChatで支払う", H5How: "この端末でWeChatが開きます。お支払い後、このページに戻ります。",
	JSAPIHow: "WeChatで金額を確認して、お支払いください。", HereFailed: "WeChatを開けませんでした。もう一度試すか、別のスマホでスキャンしてください。",
	Gone: "WeChatで支払いを完了する", GoneHow: "お支払い済みの場合、結果は自動的に表示されます。「支払いました」でも確認できます。",
	Open: "WeChat Payを開く", OpenAgain: "WeChatをもう一度開く", Opening: "WeChat Payを開いています…", Elsewhere: "別のスマホでスキャンする",

	Lost: "通信が途切れました。お支払い済みの場合、結果は自動的に反映されます。", Heard: "最終確認",
	Slow: "WeChat Payからまだ応答がありません。取得を続けています。", Retry: "再試行",

	HavePaid: "支払いました", AskingNow: "WeChat Payに確認しています…",
	NotPaid: "お支払いをまだ確認できません。確認でき次第、自動で表示します。二重払いにご注意ください。",
	Help:    "ヘルプ", HelpHow: "「他のアカウントがスキャン済み」「注文エラー」などと表示されたら、新しいコードをお使いください。元のコードは無効になります。",
	Renew: "新しいコードを取得", Renewing: "新しいコードを取得しています…", RenewFailed: "今は取得できません。しばらくしてからお試しください。",
	SoldOut: "在庫が足りない商品があります。", TooMany: "ただいま混み合っています。少しお待ちください。",
	Missing: "注文が見つかりません", MissingHow: "リンクが正しくないか、期限が切れています。お店のページからやり直してください。",
	Unopened: "ただいま開けません", UnopenedHow: "しばらくしてからお試しください。お支払い済みの場合、再度のお支払いは不要です。",
	OpensItself: "このページは自動的に開きます。",

	Cancel: "キャンセル", Sure: "お支払いをやめますか？", SureYes: "やめる", SureNo: "支払いを続ける",
	Cancelling: "キャンセルしています…", CancelFailed: "今はキャンセルできません。しばらくしてからお試しください。",

	Paid: "お支払いが完了しました", Late: "注文終了後に入金されました。お店は受け取り済みです。",
	PaidAt: "支払日時", Zone: "（北京時間）", Reference: "店舗番号", OrderID: "注文番号", PartRefunded: "返金済み",
	Expired: "コードの期限が切れました", ExpiredHow: "新しいコードを取得して続けられます。お支払い済みの場合は再度支払わずお待ちください。結果はここに表示されます。",
	Cancelled: "注文はキャンセルされました", CancelledHow: "この注文への請求はありません。お支払い済みの場合、結果はここに表示されます。",
	Refunded: "返金されました", RefundedHow: "お支払い元へ返金されます。入金日はWeChatの通知をご確認ください。",
	Return: "お店に戻る", Done: "完了", Print: "レシートを印刷", NoInvoice: "お控えです。税務上の領収書（発票）ではありません。",
	By:     "WeChat Payによるお支払い",
	Speech: "WeChat Payで%s人民元を受け取りました",
}
