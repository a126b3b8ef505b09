package pay

import (
	"context"
	"fmt"
	"time"
)

// A Refund gives money of one payment back, in full or in part. Its number (out_refund_no) makes it safe to
// ask for again: WeChat Pay takes the same number as the same refund however often it is sent.
type Refund struct {
	ID         RefundID // our out_refund_no
	Order      OrderID
	OutTradeNo string // of the attempt that was paid
	Merchant   MerchantID
	State      RefundState
	Amount     Fen
	Reason     string // the payer reads it; at most ReasonMax bytes
	Reference  string // the shop's own number, may be empty

	// Automatic marks a refund made by rule: of a second payment, or of late money that the merchant does not
	// want. If WeChat Pay gives it up, another one is made.
	Automatic bool

	// Request is the refund request, byte for byte, committed before it is sent and replayed as it is.
	Request []byte

	WeChatID  string // WeChat Pay's refund_id, once it has taken the refund
	Trouble   string // why it is not done yet, for an operator; empty if all is well
	CreatedAt time.Time
	// AcceptedAt is when we first heard that WeChat Pay took it.
	AcceptedAt time.Time
	DoneAt     time.Time // WeChat Pay's success_time; zero until then

	CheckAt time.Time // when the sweep looks next
	Checks  int
}

// A RefundID is our number of a refund.
type RefundID string

// A RefundState is where a refund is.
type RefundState string

// The states of a refund.
const (
	RefundRequested  RefundState = "requested"  // stored; WeChat Pay may or may not know it
	RefundProcessing RefundState = "processing" // taken by WeChat Pay, on its way to the payer
	RefundSucceeded  RefundState = "succeeded"
	RefundAbnormal   RefundState = "abnormal" // the payer's card is dead: a person must say where the money goes
	RefundClosed     RefundState = "closed"   // given up by WeChat Pay; the money stayed with the merchant
)

// RefundStates lists every state of a refund.
func RefundStates() []RefundState {
	return []RefundState{RefundRequested, RefundProcessing, RefundSucceeded, RefundAbnormal, RefundClosed}
}

// refundMoves says which state may follow which. Told again is no move.
var refundMoves = map[RefundState][]RefundState{
	RefundRequested:  {RefundProcessing, RefundSucceeded, RefundAbnormal, RefundClosed},
	RefundProcessing: {RefundSucceeded, RefundAbnormal, RefundClosed},
	RefundAbnormal:   {RefundProcessing, RefundSucceeded, RefundClosed}, // a person mended it
	RefundSucceeded:  {},
	RefundClosed:     {},
}

// To reports whether the state may move to the next, or is told again.
func (s RefundState) To(next RefundState) (moves bool, err error) {
	if s == next {
		return false, nil
	}
	for _, n := range refundMoves[s] {
		if n == next {
			return true, nil
		}
	}
	return false, &Error{Code: Conflict, Message: fmt.Sprintf("a refund that is %s cannot become %s", s, next)}
}

// A RefundGateway is WeChat Pay's refunds as the domain sees them. Trouble is a [*GatewayError], as with [Gateway];
// its Code matters here: NOT_ENOUGH says the merchant's balance is short, and the same request may succeed later.
type RefundGateway interface {
	// ComposeRefund renders the request. The bytes are stored before they are sent.
	ComposeRefund(RefundTerms) ([]byte, error)

	// Refund sends what ComposeRefund rendered. An answer means that WeChat Pay took the refund, not that it is done.
	Refund(ctx context.Context, m MerchantID, request []byte) (RefundReport, error)

	// QueryRefund asks where a refund stands. A number that WeChat Pay does not know is Missing (RESOURCE_NOT_EXISTS).
	QueryRefund(ctx context.Context, m MerchantID, id RefundID) (RefundReport, error)
}

// RefundTerms is what WeChat Pay is told of a refund.
type RefundTerms struct {
	Merchant      MerchantID
	ID            RefundID
	TransactionID string
	Amount, Total Fen
	Reason        string // may be empty
}

// A RefundReport is a verified statement of WeChat Pay about a refund, from an answer or a callback.
type RefundReport struct {
	Merchant      MerchantID // whose keys verified it
	Source        Source
	ID            RefundID
	WeChatID      string // refund_id
	OutTradeNo    string
	TransactionID string
	State         RefundState // processing, succeeded, abnormal or closed
	Amount, Total Fen         // amount.refund, amount.total
	DoneAt        time.Time   // success_time; zero unless succeeded
}
