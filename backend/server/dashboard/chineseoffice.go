package dashboard

import "maps"

// together are the words of several lists.
func together(lists ...map[string]string) map[string]string {
	all := make(map[string]string)
	for _, list := range lists {
		maps.Copy(all, list)
	}
	return all
}

// englishOffice and chineseOffice are the words of what is behind the counter: catalogue, webhooks, bookkeeping, keys,
// settings.
var englishOffice = map[string]string{
	"sale on": "On sale", "sale off": "Off sale", "sale sold-out": "Sold out",
	"delivery waiting": "Waiting", "delivery delivered": "Delivered", "delivery failed": "Given up",
	"event order.paid": "Order paid", "event order.expired": "Order expired", "event order.cancelled": "Order cancelled",
	"event order.refunded": "Order refunded in full", "event refund.succeeded": "Refund arrived", "event refund.failed": "Refund failed",
	"event reconciliation.finished": "Day reconciled", "event webhook.test": "Test",
	"difference missing_here": "Missing in our books", "difference missing_there": "Missing in the bill",
	"difference amount_differs": "Amounts differ", "difference unknown": "Unknown number",
	"difference sums_differ": "The bill’s sums differ", "difference funds_differ": "Less money than billed",
	"check ok": "Good", "check warning": "See to it", "check broken": "Broken", "check skipped": "Not looked at",
	"late accept": "accepted: the order is paid after all", "late refund": "refunded at once",
	"settled true": "yes", "settled false": "no",
	"ledger orders": "Orders", "ledger payments": "Payments", "ledger refunds": "Refunds",

	"action key_rolled": "Replaced a key", "action webhooks_sent": "Sent webhooks again", "action webhook_tested": "Sent a test webhook",
	"action webhooks_enabled": "Had webhooks sent again", "action exported": "Took out a file", "action settings_checked": "Checked the settings",
}

var chineseOffice = map[string]string{
	"sale on": "在售", "sale off": "已下架", "sale sold-out": "已售罄",
	"delivery waiting": "待发送", "delivery delivered": "已送达", "delivery failed": "已放弃",
	"event order.paid": "订单已支付", "event order.expired": "订单已过期", "event order.cancelled": "订单已取消",
	"event order.refunded": "订单已全额退款", "event refund.succeeded": "退款已到账", "event refund.failed": "退款失败",
	"event reconciliation.finished": "对账完成", "event webhook.test": "测试",
	"difference missing_here": "本地缺失", "difference missing_there": "账单缺失",
	"difference amount_differs": "金额不符", "difference unknown": "未知单号",
	"difference sums_differ": "账单汇总不符", "difference funds_differ": "资金少于账单",
	"check ok": "正常", "check warning": "需留意", "check broken": "有问题", "check skipped": "未检查",
	"late accept": "接受：订单转为已支付", "late refund": "立即退款",
	"settled true": "是", "settled false": "否",
	"ledger orders": "订单", "ledger payments": "收款", "ledger refunds": "退款",

	"action key_rolled": "更换密钥", "action webhooks_sent": "批量重发 Webhook", "action webhook_tested": "发送测试 Webhook",
	"action webhooks_enabled": "恢复 Webhook 发送", "action exported": "导出文件", "action settings_checked": "检查设置",

	// Products.
	"Products": "商品", "New product": "新增商品", "Part of the name or SKU": "名称或 SKU 的一部分", "Show": "显示", "All products": "全部商品",
	"Products, by SKU": "商品，按 SKU 排列", "Product": "商品", "Price": "价格", "Stock": "库存", "Sale": "销售状态", "Change": "操作",
	"sold out": "售罄", "not counted": "不限量", "off sale": "已下架", "on sale": "在售", "Put on sale": "上架", "Take off sale": "下架",
	"Put %s on sale": "上架 %s", "Take %s off sale": "下架 %s", "No product has that in its name or SKU.": "没有名称或 SKU 包含该内容的商品。",
	"No products yet": "还没有商品", "Pages sell products at the price that stands here.": "网页按此处的价格销售商品。",
	"To the beginning": "回到开头", "More": "更多",
	"The product has changed meanwhile. This is what you typed; what you left alone is up to date. Save again if it is right.": "商品刚刚被改动过。下面是您填写的内容，未修改的库存已更新。确认无误后请再次保存。",
	"Your own short name, which stands in your pages: letters, digits and . _ -":                                               "您自定的编号，写在网页中：字母、数字及 . _ -",
	"Customers read it, also in WeChat.": "顾客会看到，微信账单中也会显示。", "Price in yuan": "价格（元）",
	"Count it: no more than this can be ordered": "限量：最多可订以下数量", "How many are left": "剩余数量",
	"%s more are in orders that wait for their payment.": "另有 %s 件在待支付的订单中。",
	"Picture address": "图片地址", "It begins with https://. It may be left out.": "以 https:// 开头，可不填。", "On sale": "在售",
	"Save": "保存", "Delete": "删除", "Delete the product": "删除商品", "Delete this product?": "确认删除该商品？",
	"Pages that name it can no longer sell it. Orders that were made keep it.": "网页将无法再销售该商品，已有订单不受影响。", "In open orders": "待支付订单中",
	"Write a price in yuan, from 0.01 to 10,000,000.": "请输入 0.01 至 10,000,000 元的价格。",
	"Write a whole number, 0 or more.":                "请输入不小于 0 的整数。",
	"%s is saved.":                                    "已保存 %s。", "%s is off sale.": "%s 已下架。", "%s is on sale.": "%s 已上架。", "%s is deleted.": "已删除 %s。",
	"is there already; edit it instead": "该 SKU 已存在，请直接编辑",
	"is required":                       "必填",
	"must be # to # letters, digits, dots, underscores and hyphens, the first a letter or digit": "须为 # 至 # 个字母、数字、点、下划线或连字符，且以字母或数字开头",
	"must not hold emoji, other characters of four bytes, or control characters":                 "不能含表情符号、四字节字符或控制字符",
	"must have at most # characters":              "最多 # 个字符",
	"must be an https address of at most # bytes": "须为 https 地址，最长 # 字节",

	// Webhooks.
	"Webhooks": "Webhook", "The shop’s server": "商户服务器", "Send again now": "立即恢复发送", "Send a test": "发送测试",
	"No address is configured (webhook_url), so nothing is sent.": "未配置地址（webhook_url），不会发送。", "Address": "地址",
	"healthy": "正常", "failing": "失败中", "stopped": "已停止", "Failing since": "开始失败", "Waiting": "待发送", "the oldest since": "最早的创建于",
	"Too many tries failed in a row. One webhook at a time is tried now and then; all others wait and are kept. When one is taken, all go out.": "连续失败次数过多，现在仅偶尔试发一条，其余保留等待。一旦成功，将全部发出。",
	"The server answered that it wants no more (410). Nothing is sent until you say so; all is kept.":                                           "服务器表示不再接收（410）。在您恢复之前不会发送，内容全部保留。",
	"All webhooks": "全部 Webhook", "Webhooks, newest first": "Webhook，最新在前", "About": "对象", "Tries": "尝试次数",
	"No webhooks yet": "还没有 Webhook", "They tell the shop’s server of payments and refunds.": "用于通知商户服务器付款与退款。",
	"Send all again since a moment": "批量重发",
	"After the shop’s server lost something. Each has the same id as before, so that the server can tell.": "用于商户服务器丢失数据之后。每条的 ID 与之前相同，便于识别。",
	"Since (Beijing time)": "起始时间（北京时间）", "Since": "起始时间", "Which": "范围", "Those given up": "已放弃的", "All that were sent": "全部已发送的",
	"next try": "下次尝试", "Type": "类型", "Send it now": "立即发送", "Send it again": "重新发送", "No answer": "无响应", "Answer": "响应",
	"Not tried yet.": "尚未发送。", "What is sent": "发送内容", "Send again": "重发", "Send all of these again?": "确认全部重发？",
	"The shop’s server hears of each once more. It must know its webhook-id and not book it twice.": "商户服务器会再次收到每一条通知，须按 webhook-id 去重，避免重复入账。",
	"At most": "最多", "It is being sent again.": "正在重新发送。", "All that waits is being sent.": "正在发送全部待发内容。",
	"The test was not taken: %s": "测试未被接收：%s", "The shop’s server took the test, with the status %s.": "商户服务器已接收测试，状态码 %s。",
	"%s webhooks are being sent again.":               "正在重发 %s 条 Webhook。",
	"Write a date and a time, like 2026-11-23T08:00.": "请输入日期和时间，例如 2026-11-23T08:00。",
	"a test is not sent again; make another one":      "测试不能重发，请另发一次", "the merchant has no webhook_url": "商户未配置 webhook_url",
	"must be later: # deliveries are as young, and at most # are sent again at once": "起始时间须更晚：符合的有 # 条，一次最多重发 # 条",

	"Paid in": "收款", "Paid back": "退款", "Product name": "商品名称", "Key name": "名称", "Shop name": "店名",

	// Keys.
	"Secret keys": "密钥", "Secret key": "密钥", "With one of them the shop’s server makes orders and refunds.": "商户服务器凭密钥创建订单和退款。",
	"Keys, newest first": "密钥，最新在前", "Key": "密钥", "Last used": "上次使用", "never": "从未", "ended": "已失效", "ends": "失效于",
	"Ends": "失效时间", "Ended": "已失效", "No keys yet": "还没有密钥", "Make one for each server, so that each can be replaced by itself.": "建议每台服务器各用一个，便于单独更换。",
	"The key of the configuration file (secret_key) is valid as well, and is changed there.": "配置文件中的密钥（secret_key）同样有效，须在配置文件中修改。",
	"Make a key": "新建密钥", "Which server holds it": "由哪台服务器使用", "Make the key": "新建", "It is shown to you once.": "仅显示一次。",
	"Replace it": "更换", "You get a new key. The old one stays valid for a while, so that the server can be moved without a break.": "会生成新密钥。旧密钥在一段时间内仍有效，便于平滑切换。",
	"The old one ends": "旧密钥失效", "in %s": "%s后", "at once": "立即", "Replace": "更换", "Revoke it": "吊销", "Revoke": "吊销",
	"It ends at once: whoever still uses it is turned away. This cannot be undone.": "立即失效，仍在使用的服务器会被拒绝，且无法撤销。",
	"New key": "新密钥", "The key for %s": "%s 的密钥",
	"Copy it now: it is shown only this once. Do not load this page again; that would make another key.": "请立即复制，仅显示这一次。请勿刷新本页，否则会再生成一个密钥。",
	"It goes to the shop’s server, never into a page or an app.":                                         "只应放在商户服务器上，切勿写入网页或应用。",
	"I have copied it": "我已复制", "The key %s is revoked.": "密钥 %s 已吊销。", "the key is not valid any more": "该密钥已失效",
	"there are # valid keys already; revoke some": "已有 # 个有效密钥，请先吊销一些", "must be from # to # hours": "须为 # 至 # 小时",

	// Reconciliation.
	"Reconciliation": "对账", "WeChat Pay’s bill of each day against our books.": "每日微信支付账单与本地账目核对。",
	"Without a report yet:": "尚无对账结果：", "They are made by themselves.": "系统会自动生成。", "Reports, newest first": "对账结果，最新在前",
	"Result": "结果", "Agreeing": "一致", "%s differ": "%s 处不符", "all agree": "全部一致", "%s of %s": "%s / %s", "No reports yet": "还没有对账结果",
	"The bill of a day is there from 10 o’clock on the next one. Its report is then made by itself.": "每日账单于次日 10 点后可取，随后自动对账。",
	"For bookkeeping": "财务导出", "Download CSV": "下载 CSV", "For Excel and others; amounts in yuan, times of Beijing.": "可用 Excel 打开；金额以元为单位，时间为北京时间。",
	"Make a report": "手动对账", "Make it": "开始对账", "Also once more: the newest stands. What the bill has and we had not is booked.": "可重复进行，以最新结果为准。账单有而本地没有的会补记入账。",
	"Make it again": "重新对账", "made": "生成于", "Rows of the bill": "账单行数", "Into the account": "资金流入", "Out of the account": "资金流出", "Differences": "差异",
	"None. Every row of the bill is in our books, and every payment and refund of ours in the bill.":       "没有差异：账单每一行都在本地账目中，本地每笔收款与退款也都在账单中。",
	"%s more were counted and are not listed. Mend what these have in common, then make the report again.": "另有 %s 处差异未列出。请先处理以上差异的共同原因，再重新对账。",
	"booked now": "已补记", "to be looked at": "待处理",
	"WeChat Pay had it and our books had not: the notice was lost. It has been booked from the bill.":                                                                                  "微信支付有记录而本地没有：通知曾丢失，现已按账单补记入账。",
	"Our books have it and the bill of this day has not. Close to midnight it may stand in the bill of the day before or after; if not, look for its number in the merchant platform.": "本地有记录而当日账单没有。若接近零点，可能在前一天或后一天的账单中；否则请在商户平台按单号查找。",
	"Both have it, with other amounts or numbers. Nothing was booked: compare it with the merchant platform.":                                                                          "双方都有记录，但金额或单号不同。未作任何入账，请与商户平台核对。",
	"The bill has a number that is not ours: another system uses the same merchant number, somebody refunded in the merchant platform, or data was lost. Nothing was booked.":          "账单中的单号不属于本系统：可能有其他系统共用商户号、有人在商户平台退款，或数据丢失。未作任何入账。",
	"The last line of the bill is not the sum of its rows. Make the report again; if that stays, ask WeChat Pay.":                                                                      "账单汇总与明细之和不符。请重新对账；若仍不符，请联系微信支付。",
	"The account shows less money than the bill. Look at the fund-flow bill in the merchant platform.":                                                                                 "账户资金少于账单金额，请查看商户平台的资金账单。",
	"WeChat Pay has no bill of that day yet. It is there from 10 o’clock on the next day.":                                                                                             "微信支付尚未出具当日账单，次日 10 点后可取。",
	"The report of %s is made.": "%s 对账完成。", "Choose two days, the first one first, at most %s days apart.": "请选择起止日期，起始在前，跨度最多 %s 天。",
	"must be a day, as 2026-11-23": "日期格式如 2026-11-23", "must be a day that has ended in Beijing": "须为北京时间已结束的日期",
	"must be within the last # months, for which WeChat Pay has bills": "须在最近 # 个月内，微信支付仅保留该期间的账单",
	"WeChat Pay did not give the bill; ask again":                      "微信支付未返回账单，请重试",
	"Difference": "差异", "Merchant’s number": "商户单号", "Refund’s number": "退款单号", "In our books": "本地金额", "In the bill": "账单金额", "Booked now": "已补记",
	"Description": "商品描述", "Refunded": "已退款", "Taken by WeChat Pay": "微信受理时间", "Arrived": "到账时间",

	// Settings.
	"Settings": "设置", "They stand in the configuration file and are changed there.": "设置写在配置文件中，须在配置文件中修改。", "Check the settings": "检查设置",
	"To be mended: %s": "需修复 %s 项", "Nothing is broken.": "没有发现问题。",
	"Looks at keys, clock, addresses, WeChat Pay, webhook and books. It takes up to half a minute.": "检查密钥、时钟、地址、微信支付、Webhook 与账本，最长约半分钟。",
	"Check again": "重新检查", "Check now": "立即检查", "Just checked. Wait %s and try again.": "刚刚检查过，请 %s后再试。",
	"The shop": "店铺", "Merchant": "商户", "Publishable key": "公开密钥", "Channels": "支付方式", "Late money": "迟到付款", "Connections": "连接", "Our address": "本服务地址",
	"Origins": "允许的网页来源", "Calls of the shop’s server": "商户服务器调用上限", "Checkouts of one address": "单个地址下单上限", "%s a minute": "每分钟 %s 次",
}
