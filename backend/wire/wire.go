// Package wire is what the browser and the server say to each other. Both programs are compiled from it,
// so a field cannot be renamed on one side only. It imports nothing but the standard library: every
// import here is downloaded by every customer.
package wire

import "time"

// Status is where an order is, in the words of the HTTP contract.
type Status string

// The statuses of an order. An order is created when it is stored, and pending once WeChat Pay gave its code.
const (
	StatusCreated   Status = "created"
	StatusPending   Status = "pending"
	StatusPaid      Status = "paid"
	StatusExpired   Status = "expired"
	StatusCancelled Status = "cancelled"
	StatusRefunded  Status = "refunded"
)

// Final reports whether a customer who watches the order has nothing left to wait for. Expired and
// cancelled orders are not final: the customer may have paid in the last second.
func (s Status) Final() bool { return s == StatusPaid || s == StatusRefunded }

// An Order is what a browser may know of an order. It leaves out the merchant's metadata, WeChat Pay's
// number of the transaction and all that names the payer.
type Order struct {
	ID             string     `json:"id"`
	Status         Status     `json:"status" enum:"created,pending,paid,expired,cancelled,refunded"`
	Version        int64      `json:"version" doc:"Grows with every change; of two views the higher one is true"`
	Amount         int64      `json:"amount" doc:"Fen (1/100 yuan)"`
	AmountRefunded int64      `json:"amount_refunded" doc:"Fen"`
	Currency       string     `json:"currency" enum:"CNY"`
	Description    string     `json:"description"`
	Reference      string     `json:"reference" doc:"The shop's own number for the order"`
	Items          []Item     `json:"items" nullable:"false"`
	Channel        string     `json:"channel" enum:"native,jsapi,h5" doc:"Of the newest attempt to collect"`
	CodeURL        string     `json:"code_url" doc:"What the QR code holds; empty unless the order is pending"`
	Token          string     `json:"token"`
	CheckoutURL    string     `json:"checkout_url"`
	ReturnURL      string     `json:"return_url"`
	Late           bool       `json:"late" doc:"Paid after it had expired or was cancelled"`
	CreatedAt      time.Time  `json:"created_at"`
	ExpiresAt      time.Time  `json:"expires_at"`
	PaidAt         *time.Time `json:"paid_at"`
}

// An Item is one line of an order, priced by the server.
type Item struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Price    int64  `json:"price" doc:"Fen for one"`
	Quantity int    `json:"quantity"`
}

// MessageOrder is the type of the only live message there is: the order as it now stands.
const MessageOrder = "order"

// A Message is sent over the WebSocket at its opening and after every change. It carries state, not
// events: lost, doubled and reordered messages do no harm to a reader that keeps the highest version.
type Message struct {
	Type  string    `json:"type"`
	Now   time.Time `json:"now"` // the server's clock, for the countdown
	Order Order     `json:"order"`
}

// Subprotocol is the WebSocket subprotocol of the live messages.
const Subprotocol = "saoma.v1"

// Close codes of the WebSocket. 4000 to 4499 ask the browser to come again, 4500 to 4999 to stop; the
// one exception is 4404, kept as the contract has it.
const (
	CloseFinal   = 4500 // the order reached a final state; the message before it says which
	CloseNoOrder = 4404 // no such token; coming again is useless
	CloseRestart = 4000 // the server goes down for a moment
	CloseSlow    = 4001 // the browser did not read; it takes a fresh snapshot when it is back
)

// A Page is what the checkout page is painted from, first by the server and then by the component in the
// browser. It stands in the page as JSON under the element id PageID.
type Page struct {
	Now     time.Time `json:"now"`
	Payee   string    `json:"payee"` // the merchant's name, as the customer knows it
	Lang    string    `json:"lang"`  // a key of the component's texts, for example "zh-CN"
	Order   Order     `json:"order"`
	Origins []string  `json:"origins"` // of the merchant: who may frame the page and hear of the order
	Device  Device    `json:"device"`

	// Channels are the merchant's ways to pay that end on this very device: by native it shows a code to a phone
	// beside it, by jsapi and h5 it is the phone. With none, the code must be scanned from a second device.
	Channels []string `json:"channels"`

	// Bridge is what the page inside WeChat pays by, once the customer is known there.
	Bridge *BridgeCall `json:"bridge,omitempty"`

	// Back is the shop's page that the checkout stands in: where customers return to who left it to pay in WeChat.
	Back string `json:"back,omitempty"`

	// Failed is the channel that the customer wanted to pay by and could not.
	Failed string `json:"failed,omitempty"`
}

// A BridgeCall is the argument of WeixinJSBridge.invoke('getBrandWCPayRequest', …), with the names that it wants.
type BridgeCall struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"`
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// A Device is what the customer looks at the page with, as far as the server can tell.
type Device string

// The devices. WeChat's own browser on a desktop is a desktop: it can show a code and cannot pay.
const (
	DeviceDesktop Device = "desktop"
	DeviceMobile  Device = "mobile" // a phone's browser outside WeChat
	DeviceWeChat  Device = "wechat" // WeChat's browser on a phone
)

// The channels, as they stand in an order and in a Page.
const (
	ChannelNative = "native" // a QR code to scan
	ChannelJSAPI  = "jsapi"  // inside WeChat
	ChannelH5     = "h5"     // from a phone's browser into WeChat and back
)

// PageID is the id of the script element that holds the Page.
const PageID = "saoma-page"
