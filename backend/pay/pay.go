// Package pay is the domain: what an order is, what may happen to it, and how money is taken in. It
// imports the standard library only and knows neither HTTP, SQL nor WeChat Pay's SDK; it asks for a
// [Store] and a [Gateway] and is given a clock and a maker of names, so that a test can replay any hour.
//
//	        prepaid, ◀ replaced         succeeded
//	created ─────────────────▶ pending ───────────▶ paid ──────▶ refunded
//	   │                          │                  ▲  refunded in full
//	   └──────▶ expired ◀─────────┤    late money    │
//	   └─────▶ cancelled ◀────────┘──────────────────┘
//
// Money enters by one door, [Cashier.Settle], whatever the news came from.
package pay

// Fen is an amount of money in fen (分), a hundredth of a yuan.
type Fen int64

// Currency is the only currency WeChat Pay's domestic products take.
const Currency = "CNY"

// A MerchantID names a merchant in our configuration and in the callback's path.
type MerchantID string

// An OrderID names an order for its whole life, however many attempts it takes.
type OrderID string

// A Token is the unguessable string in a browser's hands that names one order.
type Token string

// A Channel is how the customer pays.
type Channel string

// The channels.
const (
	Native Channel = "native" // the customer scans a QR code with WeChat (Native支付)
	JSAPI  Channel = "jsapi"  // the page is open inside WeChat, which pays (JSAPI支付)
	H5     Channel = "h5"     // a phone's browser opens WeChat and comes back (H5支付)
)
