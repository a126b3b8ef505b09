package server

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// The chapters of the API document.
const (
	tagCheckouts       = "Checkouts"
	tagOrders          = "Orders"
	tagRefunds         = "Refunds"
	tagProducts        = "Products"
	tagReconciliations = "Reconciliations"
	tagWebhooks        = "Webhooks"
	tagPages           = "Pages and callbacks"
)

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagCheckouts, Description: "For browsers, by the publishable key or an order's token. 浏览器端：下单、查询、续期、取消。"},
		{Name: tagOrders, Description: "For the shop's server. 商户服务端：创建与查询订单。"},
		{Name: tagRefunds, Description: "Money that goes back. 退款。"},
		{Name: tagProducts, Description: "The catalogue, with prices and stock. 商品、价格与库存。"},
		{Name: tagReconciliations, Description: "WeChat Pay's bill of a day against the books. 对账。"},
		{Name: tagWebhooks, Description: "What is sent to the shop's server, and how that went. 通知商户服务器。"},
		{Name: tagPages, Description: "What browsers open and what WeChat Pay calls. 收银台页面与微信支付回调。"},
	}
}

// calls holds what the document says of every call. A test refuses one that is missing.
func calls() map[string]callDoc {
	return map[string]callDoc{
		"POST /v1/checkouts": {"createCheckout", tagCheckouts,
			"Makes an order from the catalogue and answers with the token by which a browser follows it. The price comes from the catalogue, never from the browser. The request must come from a page of one of the merchant's origins. If WeChat Pay does not answer at once the order is made all the same, and its code follows.",
			[]int{401, 403, 409, 429, 502}},
		"GET /v1/checkouts/{token}": {"getCheckout", tagCheckouts,
			"Answers with the order as it stands. With after and wait it waits until the order's version is higher than after, or the time is over.",
			[]int{403, 404}},
		"POST /v1/checkouts/{token}/renew": {"renewCheckout", tagCheckouts,
			"Gives an order that has expired a new code, with a new deadline; and one that waits to be paid too, if another account has scanned the old code. Refused with out_of_stock if its goods were sold to others meanwhile.",
			[]int{403, 404, 409, 429, 502}},
		"POST /v1/checkouts/{token}/cancel": {"cancelCheckout", tagCheckouts,
			"Closes the order at WeChat Pay, so that nobody can pay it any more. If the customer was faster the answer is 409 and the order is paid. To cancel twice is no error.",
			[]int{403, 404, 409, 429, 502}},
		"POST /v1/checkouts/{token}/check": {"checkCheckout", tagCheckouts,
			"Asks WeChat Pay now whether the order was paid, on the word of a customer who says so.",
			[]int{403, 404, 429}},
		"GET /v1/checkouts/{token}/live": {"watchCheckout", tagCheckouts,
			"A WebSocket of the subprotocol saoma.v1. The server sends {\"type\":\"order\",\"now\":…,\"order\":…} at the opening and after every change; keep the highest version. Close codes from 4000 to 4499 ask to come again, from 4500 to 4999 to stop: 4500 when the order is paid or refunded. 4404: no such token.",
			[]int{403}},

		"POST /v1/orders": {"createOrder", tagOrders,
			"Makes an order of an amount, or of items of the catalogue. Send an Idempotency-Key: then a repeat after a lost answer makes nothing new and is answered the same.",
			[]int{409, 502}},
		"GET /v1/orders": {"listOrders", tagOrders,
			"Lists orders, the newest first, a page at a time: pass next_cursor as cursor until it is empty.", nil},
		"GET /v1/orders/{id}": {"getOrder", tagOrders, "Answers with one order of yours.", []int{404}},
		"POST /v1/orders/{id}/cancel": {"cancelOrder", tagOrders,
			"Closes the order at WeChat Pay, so that nobody can pay it any more, and gives its goods back to the stock. If the customer was faster the answer is 409 and the order is paid. To cancel twice is no error.",
			[]int{404, 409, 502}},
		"GET /v1/orders/{id}/events": {"listOrderEvents", tagOrders,
			"Everything that happened to an order, the oldest first. Events are only ever appended.", []int{404}},

		"POST /v1/orders/{id}/refunds": {"createRefund", tagRefunds,
			"Gives money of a paid order back, in full or in part, to where it came from. With trouble at WeChat Pay the refund is kept and asked for again. Stock is not changed: money says nothing of goods.",
			[]int{404, 409}},
		"GET /v1/refunds/{id}": {"getRefund", tagRefunds, "Answers with one refund of yours.", []int{404}},

		"PUT /v1/products/{sku}": {"putProduct", tagProducts,
			"Makes a product or replaces it whole. The stock changes with every order: send the ETag of what you read as If-Match, and a sale in between is answered 412 instead of being overwritten.",
			[]int{412}},
		"GET /v1/products/{sku}": {"getProduct", tagProducts, "Answers with one product of yours.", []int{404}},
		"DELETE /v1/products/{sku}": {"deleteProduct", tagProducts,
			"Takes a product out of the catalogue. Orders that have it in them keep it.", []int{404, 412}},
		"GET /v1/products": {"listProducts", tagProducts,
			"Lists products by SKU, a page at a time: pass next_cursor as cursor until it is empty.", nil},

		"POST /v1/reconciliations": {"createReconciliation", tagReconciliations,
			"Fetches WeChat Pay's bill of a day and compares it with the books. What the bill has and the books had not is booked. It happens by itself every morning; asked for again, the newest report stands.",
			[]int{409, 502}},
		"GET /v1/reconciliations/{date}": {"getReconciliation", tagReconciliations, "Answers with the report of one day.", []int{404}},

		"GET /v1/webhooks/deliveries": {"listDeliveries", tagWebhooks,
			"Lists webhooks, the newest first, a page at a time: pass next_cursor as cursor until it is empty.", nil},
		"GET /v1/webhooks/deliveries/{id}": {"getDelivery", tagWebhooks, "Answers with one webhook, its body and all its tries.", []int{404}},
		"POST /v1/webhooks/deliveries/{id}/resend": {"resendDelivery", tagWebhooks,
			"Sends a webhook again, with the same id and body, so that your server can tell that it had it.", []int{404, 409}},
		"POST /v1/webhooks/resend": {"resendDeliveries", tagWebhooks,
			"Sends all webhooks again that were made since a time, in their order: for a server that lost what it had taken.", []int{409}},
		"POST /v1/webhooks/test":    {"testWebhook", tagWebhooks, "Sends a webhook of the type webhook.test now.", []int{409}},
		"GET /v1/webhooks/endpoint": {"getEndpoint", tagWebhooks, "How the server that takes your webhooks has been doing.", nil},
		"POST /v1/webhooks/endpoint/enable": {"enableEndpoint", tagWebhooks,
			"Has webhooks sent again after the endpoint was found dead.", []int{409}},

		"GET /checkout/{token}": {"openCheckout", tagPages, "The checkout page, alone or in a frame of the shop's page.", nil},
		"POST /notify/{merchant}/payment": {"notifyPayment", tagPages,
			"WeChat Pay's callback of a payment. Answered 204 once its effect is in the books for good; anything else makes WeChat Pay send it again.", nil},
		"POST /notify/{merchant}/refund": {"notifyRefund", tagPages,
			"WeChat Pay's callback of a refund, answered likewise.", nil},
	}
}

// otherCalls are those that huma does not serve and a reader wants to know of.
func otherCalls() []*huma.Operation {
	var all []*huma.Operation
	add := func(method, path, summary string, answers map[int]string, params ...string) {
		op := &huma.Operation{Method: method, Path: path, Summary: summary, Responses: map[string]*huma.Response{}}
		for status, text := range answers {
			op.Responses[strconv.Itoa(status)] = &huma.Response{Description: text}
		}
		for _, name := range params {
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
		all = append(all, op)
	}
	add(http.MethodGet, "/v1/checkouts/{token}/live", "Hear of an order at once", map[int]string{101: "The WebSocket is open", 400: "No WebSocket was asked for"}, "token")
	add(http.MethodGet, "/checkout/{token}", "Open the checkout page", map[int]string{200: "The page", 404: "No such checkout", 503: "There is too much to do at the moment"}, "token")
	callback := map[int]string{204: "It is in the books", 400: "It says something else than what comes here", 401: "The signature is not WeChat Pay's",
		404: "No such merchant, or no such payment of it", 409: "It says otherwise than the books", 503: "There is too much to do at the moment: WeChat Pay sends it again"}
	add(http.MethodPost, "/notify/{merchant}/payment", "Hear of a payment", callback, "merchant")
	add(http.MethodPost, "/notify/{merchant}/refund", "Hear of a refund", callback, "merchant")
	return all
}
