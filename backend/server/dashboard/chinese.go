package dashboard

// english are the words of states, roles and the like, which English pages write otherwise than the code.
var english = together(map[string]string{
	"role owner": "Owner", "role cashier": "Cashier", "role accountant": "Accountant",
	"role does owner": "everything", "role does cashier": "orders, refunds", "role does accountant": "reads, exports",
	"theme auto": "Auto", "theme light": "Light", "theme dark": "Dark",

	"state created": "No code yet", "state pending": "Unpaid", "state paid": "Paid", "state expired": "Expired",
	"state cancelled": "Cancelled", "state refunded": "Refunded",
	"refund state requested": "Asked for", "refund state processing": "On its way", "refund state succeeded": "Arrived",
	"refund state abnormal": "Stuck", "refund state closed": "Given up",
	"source callback": "callback", "source query": "query", "source bill": "daily bill",
	"channel native": "scanned code", "channel jsapi": "inside WeChat", "channel h5": "mobile browser",

	"action sign_in": "Signed in", "action sign_in_failed": "Failed to sign in", "action sign_out": "Signed out",
	"action password_changed": "Changed the own password", "action refund": "Refund", "action cancel": "Cancelled an order",
	"action staff_added": "Added somebody", "action staff_removed": "Removed somebody", "action staff_disabled": "Disabled somebody",
	"action staff_enabled": "Let somebody in again", "action role_changed": "Changed a role", "action password_reset": "Made a new password",
	"action product_changed": "Changed a product", "action product_removed": "Removed a product",
	"action key_made": "Made a key", "action key_revoked": "Revoked a key", "action webhook_sent": "Sent a webhook",
	"action reconciled": "Reconciled a day",
}, englishOffice)

// chinese are the texts of the templates, by their English.
var chinese = together(map[string]string{
	"role owner": "店主", "role cashier": "收银员", "role accountant": "会计",
	"role does owner": "全部权限", "role does cashier": "订单与退款", "role does accountant": "查看与导出",
	"theme auto": "自动", "theme light": "浅色", "theme dark": "深色",

	"state created": "待出码", "state pending": "待支付", "state paid": "已支付", "state expired": "已过期",
	"state cancelled": "已取消", "state refunded": "已退款",
	"refund state requested": "已申请", "refund state processing": "处理中", "refund state succeeded": "已到账",
	"refund state abnormal": "退款异常", "refund state closed": "已关闭",
	"source callback": "回调通知", "source query": "主动查询", "source bill": "每日账单",
	"channel native": "扫码", "channel jsapi": "微信内", "channel h5": "手机浏览器",

	"action sign_in": "登录", "action sign_in_failed": "登录失败", "action sign_out": "退出登录",
	"action password_changed": "修改了自己的密码", "action refund": "退款", "action cancel": "取消订单",
	"action staff_added": "添加员工", "action staff_removed": "移除员工", "action staff_disabled": "停用员工",
	"action staff_enabled": "恢复员工", "action role_changed": "更改角色", "action password_reset": "重置密码",
	"action product_changed": "修改商品", "action product_removed": "移除商品",
	"action key_made": "新建密钥", "action key_revoked": "吊销密钥", "action webhook_sent": "发送 Webhook",
	"action reconciled": "对账",

	// The frame.
	"Skip to the content": "跳到内容", "Menu": "菜单", "Pages": "页面", "Language": "语言", "Colours": "配色",
	"Password": "密码", "Sign out": "退出登录",

	// Signing in.
	"Sign in": "登录", "The shop’s orders, takings and settings": "订单、收款与设置", "Name": "账号",
	"The name or the password is wrong.":          "账号或密码不正确。",
	"Too many tries. Wait %s and try again.":      "尝试次数过多，请 %s后再试。",
	"You are signed out.":                         "已退出登录。",
	"You were signed out. Sign in and try again.": "登录已失效，请重新登录后再试。",

	// Passwords.
	"Change your password": "修改密码",
	"Somebody else chose your password. Choose one that only you know.": "当前密码由他人设置，请换成只有自己知道的密码。",
	"You are signed out everywhere else.":                               "修改后，其他设备上的登录会失效。",
	"Password until now":                                                "当前密码", "New password": "新密码", "New password, again": "再次输入新密码",
	"At least %s characters": "至少 %s 个字符", "Change the password": "修改密码",
	"The new password was not typed twice the same.":            "两次输入的新密码不一致。",
	"Your password is changed. Other browsers were signed out.": "密码已修改，其他设备已退出登录。",

	// Problems.
	"Not done: %s": "操作未完成：%s",
	"Not found":    "找不到页面", "Not permitted": "没有权限", "Form out of date": "页面已过期", "Something went wrong": "出了点问题",
	"There is nothing here, or not for your shop.":                     "这里没有内容，或不属于您的店铺。",
	"Your role does not permit this. Ask the owner.":                   "您的角色没有此权限，请联系店主。",
	"Nothing was changed. Go back, load the page again and repeat it.": "没有做任何更改。请返回并刷新页面后重试。",
	"It is not your fault. Try again in a moment.":                     "请稍后再试。",
	"To the start": "返回首页", "One moment": "请稍候", "Go on": "继续",

	// Today.
	"Today": "今日", "Days are Beijing’s.": "按北京时间统计",
	"Takings": "收款", "Orders": "订单", "Success rate": "支付成功率", "Median time to pay": "支付用时中位数",
	"yesterday": "昨日", "a week ago": "上周同日", "today": "今日", "Yesterday": "昨日",
	"Compared with the same time of day.": "与同一时刻相比。", "Refunded today: %s": "今日退款：%s",
	"Takings by the hour": "每小时收款", "Hour": "时段", "Payments": "笔数", "As a table": "查看表格",
	"Today %s so far; the best hour is %s with %s.": "今日至今 %s；最高时段 %s，%s。",
	"No payments today or yesterday yet.":           "今日和昨日还没有收款。",
	"From the order to the payment":                 "从下单到支付", "Orders made": "创建订单", "Shown to a customer": "展示给顾客",
	"Takings of 30 days": "近 30 天收款", "Together %s": "合计 %s", "Day": "日期",
	"The best day is %s with %s.":                             "最高的一天是%s，%s。",
	"No payments in 30 days. They appear here by themselves.": "近 30 天没有收款，收到后会自动显示在这里。",

	// Orders.
	"Search": "搜索", "Number, reference or amount": "单号、商户参考号或金额", "Status": "状态", "All": "全部", "From": "从", "To": "到",
	"All orders": "全部订单", "Dates are written as 2026-11-23.": "日期格式如 2026-11-23。",
	"Orders, newest first": "订单，最新在前", "Order": "订单", "Amount": "金额", "Reference": "商户参考号", "Made": "创建时间",
	"Nothing found": "没有找到", "Numbers and references are compared exactly, amounts to the fen.": "单号与参考号需完全一致，金额精确到分。",
	"No orders yet": "还没有订单", "The first one appears here by itself.": "第一笔订单会自动显示在这里。",
	"Newest": "最新", "Older": "更早", "late": "迟到付款", "partly refunded": "部分退款",

	// One order.
	"Refunded: %s": "已退款：%s", "left: %s": "剩余 %s", "Refund": "退款", "Cancel the order": "取消订单",
	"What happened": "订单时间线", "Details": "详情", "WeChat Pay’s number": "微信支付单号", "Channel": "支付方式", "Paid": "支付",
	"Valid until": "有效期至", "Items": "商品", "Refunds": "退款记录",
	"Order made": "创建订单", "WeChat Pay gave the code": "微信支付返回二维码", "Shown to the customer": "已展示给顾客",
	"The customer’s screen was told": "已推送到顾客页面", "Expired": "已过期", "Cancelled": "已取消", "The customer paid": "顾客已付款",
	"New code after expiry": "过期后换新码", "Code replaced": "已换码",
	"A payment notice did not fit and was not booked": "收到不符的付款通知，未入账",
	"Refund asked for": "申请退款", "WeChat Pay took the refund": "微信支付已受理退款", "Money is back with the payer": "退款已到账",
	"Refund stuck: the payer’s account takes no money": "退款异常：付款人账户无法收款",
	"Refund given up; the money stayed with the shop":  "退款已关闭，款项仍在商户",
	"Partly refunded": "部分退款", "Refunded in full": "全额退款",
	"Webhook delivered to the shop’s server": "Webhook 已送达商户服务器", "Webhook not delivered": "Webhook 未送达",
	"Event": "事件", "HTTP status": "HTTP 状态", "Took": "用时", "Trouble": "问题",
	"Heard by": "来源", "By": "操作人", "Screens": "页面数", "Differs in": "不符之处", "Late": "迟到",
	"paid after expiry or cancellation": "过期或取消后到账", "Second payment": "重复付款", "goes back by itself": "将自动退回", "rule": "系统规则",
	"transaction_id": "微信支付单号", "out_trade_no": "商户订单号", "refund": "退款单号",

	// Refunds and cancelling.
	"Refund %s?": "确认退款 %s？", "The money goes back to where the payer paid from. This cannot be undone.": "款项将原路退回给付款人，且无法撤销。",
	"Goes back now": "本次退款", "Left afterwards": "退款后剩余", "Reason": "退款原因", "Refund %s": "退款 %s", "Do not refund": "不退款",
	"Left of the payment: %s": "可退金额：%s", "Amount in yuan": "金额（元）", "The payer reads it. It may be left out.": "付款人可见，可不填。",
	"Continue": "继续", "Back": "返回",
	"Write an amount in yuan, like 12.50.":                          "请输入以元为单位的金额，例如 12.50。",
	"From ¥0.01 to what is left of the payment.":                    "金额须在 ¥0.01 与可退金额之间。",
	"Too long: at most 26 Chinese characters, or 80 Latin letters.": "太长了：最多 26 个汉字或 80 个字母。",
	"There is nothing to refund.":                                   "没有可退的金额。",
	"A refund of %s is on its way.":                                 "退款 %s 已提交。",
	"This order cannot be cancelled any more.":                      "该订单已无法取消。", "The order is cancelled.": "订单已取消。",
	"Cancel this order?": "取消该订单？", "Keep it": "保留订单",
	"Its code is closed at WeChat Pay. Should the customer be faster, the payment counts.": "将在微信支付关闭二维码。若顾客已先付款，以付款为准。",

	// Staff.
	"Staff": "员工", "Who may sign in": "可登录的员工", "Role": "角色", "Last signed in": "上次登录", "disabled": "已停用",
	"Add somebody": "添加员工", "To sign in with: letters, digits and . _ - + @": "用于登录：文字、数字及 . _ - + @", "Add": "添加",
	"A password is made and shown to you once.":                                         "系统会生成密码，仅显示一次。",
	"%s can sign in with the password %s, which is shown only now and must be changed.": "%s 可用密码 %s 登录。密码仅显示这一次，首次登录后须修改。",
	"Added": "添加时间", "This is you. Another owner can change your role.": "这是您自己，角色须由其他店主更改。",
	"Change the role": "更改角色", "Make a new password": "重置密码", "Let in again": "恢复登录", "Disable": "停用",
	"Each of these signs the person out everywhere.": "以上操作会使其在所有设备上退出登录。",
	"This is you. Another owner can do that.":        "不能对自己操作，请由其他店主进行。",
	"%s has another role now.":                       "已更改 %s 的角色。",
	"%s cannot sign in any more.":                    "%s 已无法登录。",
	"%s can sign in again.":                          "%s 已可重新登录。",
	"Staff log":                                      "操作日志", "Nobody can alter it.": "日志不可修改。", "What staff did, newest first": "员工操作，最新在前",
	"What": "操作", "Who": "操作人", "To what": "对象", "When": "时间", "From where": "来源地址",
}, chineseOffice, chineseRefusals, chineseAdvice, chineseConfig)
