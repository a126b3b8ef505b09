package server

import "github.com/danielgtaylor/huma/v2"

// info is the introduction to the API document.
func info() *huma.Info {
	return &huma.Info{
		Title:       "Saoma 扫码",
		Version:     "1",
		Description: introduction,
		License:     &huma.License{Name: "MIT", Identifier: "MIT"},
	}
}

// introduction is read by people who see the API for the first time: paragraphs, the first line of each its heading.
const introduction = `五分钟接入
在服务器上用密钥（secret key）调用 POST /v1/orders 创建订单，把返回的 checkout_url 打开，或把 code_url 画成二维码。顾客用微信扫码付款后，我们向您的服务器发送签名通知（webhook）order.paid，订单状态变为 paid。

金额与时间
所有金额都是整数，单位为分（fen），不使用小数。时间一律为 RFC 3339 格式。

密钥
服务器端请求带上 Authorization: Bearer sk_…。密钥只在创建时显示一次，可同时有多把有效，便于轮换。网页里只使用可公开的 pk_…，它只能按商品目录下单，价格永远来自服务器。

重试不会重复收款
凡是创建类的 POST 请求都可带 Idempotency-Key：同一个键、同样的内容，得到同样的结果；内容不同则返回 422。

错误
错误一律为 application/problem+json（RFC 9457）：code 供程序判断，detail 与 errors[] 说明要改哪个字段，request_id 便于查找日志。

限流
响应头 RateLimit 与 RateLimit-Policy 说明剩余额度；超出时返回 429，请按 Retry-After 等待。

In English
Money is integer fen, times are RFC 3339, errors are problems of RFC 9457 whose code is for programs. Fields that a call does not name are refused. Any call may be answered 500, by a mistake of ours; ask again. Every answer has an X-Request-Id, which is the one you sent if it is 8 to 64 plain characters.`
