package pay

import (
	"context"
	"fmt"
	"time"
)

// A Gateway is WeChat Pay as the domain sees it. Every method but Compose goes over the network, takes at
// most [CallLimit], and reports trouble as a [*GatewayError].
type Gateway interface {
	// Compose renders the prepay request of an attempt in its channel. The bytes are stored before they are sent, because
	// WeChat Pay takes a repeated request only if nothing in it differs.
	Compose(Prepay) ([]byte, error)

	// Prepay sends what Compose rendered and returns what the customer pays by, opaque: by the channel the
	// code_url for the QR code or a prepay_id, 2 hours valid, or an h5_url, 5 minutes valid. A repeat of the
	// same bytes returns a new one; the older one is then dead.
	Prepay(ctx context.Context, m MerchantID, ch Channel, request []byte) (result string, err error)

	// Query asks where a trade stands.
	Query(ctx context.Context, m MerchantID, outTradeNo string) (Trade, error)

	// Close makes a trade unpayable. It may be repeated. A paid trade is Refused.
	Close(ctx context.Context, m MerchantID, outTradeNo string) error
}

// A Prepay is what WeChat Pay is told of an attempt.
type Prepay struct {
	Merchant    MerchantID
	OutTradeNo  string
	Total       Fen
	Description string    // at most 127 characters of at most three bytes each
	ExpiresAt   time.Time // time_expire: the last moment to pay, which closes nothing by itself
	Way         Way
}

// A TradeState is WeChat Pay's word for where a trade stands (trade_state).
type TradeState string

// The states of a trade. Any refund, also of 1 fen, turns SUCCESS into REFUND for ever.
const (
	TradeNotPaid  TradeState = "NOTPAY"
	TradeSuccess  TradeState = "SUCCESS"
	TradeRefunded TradeState = "REFUND"
	TradeClosed   TradeState = "CLOSED"
)

// TradeUnknown is our own word for a number that WeChat Pay does not know (ORDER_NOT_EXIST).
const TradeUnknown TradeState = "UNKNOWN"

// Paid reports whether money was taken, now or at some time before.
func (s TradeState) Paid() bool { return s == TradeSuccess || s == TradeRefunded }

// A Trade is the answer to a query. Notice is set if State is paid.
type Trade struct {
	State  TradeState
	Notice Notice
}

// A Notice is a verified statement "this attempt was paid", from a callback, a query or a bill. Whoever
// makes one has checked its signature; [Cashier.Settle] checks the rest against the attempt.
type Notice struct {
	Merchant      MerchantID // whose keys verified it
	Source        Source
	MchID, AppID  string // a service provider's, if the merchant has one
	SubMchID      string // the merchant's own, if it has one
	OutTradeNo    string
	TransactionID string // WeChat Pay's own number
	Total         Fen    // amount.total, before coupons
	Currency      string
	PaidAt        time.Time
}

// A Source is where a notice came from.
type Source string

// The sources of notices.
const (
	FromCallback Source = "callback"
	FromQuery    Source = "query"
	FromBill     Source = "bill"
)

// An Outcome says what a failed call may have left behind at WeChat Pay.
type Outcome int

// The outcomes of a failed call.
const (
	Unsure  Outcome = iota // done or not done: repeat the identical request, or query
	Refused                // not done, and the same request will be refused again
	Missing                // WeChat Pay does not know the number (ORDER_NOT_EXIST)
)

// A GatewayError is a call that failed. Its text is one line, without headers, bodies or keys.
type GatewayError struct {
	Op        string // "prepay", "query", "close"
	Outcome   Outcome
	Status    int    // HTTP status, 0 if there was no answer
	Code      string // WeChat Pay's error code, such as ORDER_CLOSED
	RequestID string // WeChat Pay's Request-ID, which its support asks for
	Err       error  // what happened, in one line
}

func (e *GatewayError) Error() string {
	text := "wechat pay " + e.Op
	if e.Status != 0 {
		text += fmt.Sprintf(" answered %d", e.Status)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		text += " (Request-ID " + e.RequestID + ")"
	}
	return text
}

func (e *GatewayError) Unwrap() error { return e.Err }
