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
}
