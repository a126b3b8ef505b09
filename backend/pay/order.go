package pay

import (
	"fmt"
	"time"
)

// An Order is what a customer is asked to pay for, once. It keeps its id over expiry and renewal.
type Order struct {
	ID          OrderID
	Merchant    MerchantID
	Token       Token
	State       State
	Version     int64 // grows by one with every change of state; updates compare and swap on it
	Total       Fen
	Refunded    Fen
	Description string // what the payer reads in WeChat
	Reference   string // the shop's own number, may be empty
	Items       []Item // empty if the shop named an amount instead
	Metadata    map[string]string
	Channel     Channel // of the newest attempt
	ReturnURL   string
	Late        bool // paid after it had expired or was cancelled

	// TransactionID is WeChat Pay's number of the payment that settled the order.
	TransactionID string

	// CodeURL is that of the open attempt, if it is a Native one; it is read with the order, not stored twice.
	CodeURL string

	CreatedAt time.Time
	ExpiresAt time.Time
	PaidAt    time.Time // zero until paid; WeChat Pay's success_time
}

// bookTime is a time as the books keep it: to the millisecond.
func bookTime(t time.Time) time.Time { return t.Truncate(time.Millisecond).UTC() }

// An Item is one line of an order at the price it had when the order was made.
type Item struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Price    Fen    `json:"price"`
	Quantity int    `json:"quantity"`
}

// A State is where an order is.
type State string

// The states of an order.
const (
	Created   State = "created" // stored; WeChat Pay has not given what to pay by yet
	Pending   State = "pending" // it can be paid
	Paid      State = "paid"
	Expired   State = "expired"   // time over and unpayable at WeChat Pay
	Cancelled State = "cancelled" // given up and unpayable at WeChat Pay
	Refunded  State = "refunded"  // the whole amount went back
)

// States lists every state, in the order of an uneventful life.
func States() []State { return []State{Created, Pending, Paid, Expired, Cancelled, Refunded} }

// A Kind is what happened to an order.
type Kind string

// The kinds that change the state of an order.
const (
	Prepaid   Kind = "prepaid"   // WeChat Pay gave a code_url, or what stands for it in the other channels
	Succeeded Kind = "succeeded" // money was taken
	TimedOut  Kind = "timed_out" // time over, and closed at WeChat Pay or never known there
	CalledOff Kind = "cancelled" // given up, and closed likewise
	Renewed   Kind = "renewed"   // a new attempt has its code
	Replaced  Kind = "replaced"  // the attempt was closed at WeChat Pay in favour of another, which has no code yet

	PartReturned Kind = "partly_refunded" // some of the amount was refunded
	Returned     Kind = "refunded"        // the whole amount was refunded
)

// Kinds lists every kind that changes a state.
func Kinds() []Kind {
	return []Kind{Prepaid, Succeeded, TimedOut, CalledOff, Renewed, Replaced, PartReturned, Returned}
}

// The kinds that are recorded without a change of state.
const (
	Opened      Kind = "created"          // the order and its first attempt were stored
	Mismatched  Kind = "mismatched"       // a verified notice did not fit the attempt: somebody must look
	RefundAsked Kind = "refund_requested" // further kinds are refund_ and the state the refund moved to
)

// transitions is the whole life of an order. What is not listed is refused.
var transitions = map[State]map[Kind]State{
	// Succeeded, because a callback may overtake the answer to our own prepay call.
	Created:   {Prepaid: Pending, Succeeded: Paid, TimedOut: Expired, CalledOff: Cancelled, Replaced: Created},
	Pending:   {Succeeded: Paid, TimedOut: Expired, CalledOff: Cancelled, Replaced: Created},
	Expired:   {Renewed: Pending, Succeeded: Paid}, // late money is never refused
	Cancelled: {Succeeded: Paid},
	// Succeeded again is a second payment, by another attempt: it goes back.
	Paid:     {Succeeded: Paid, PartReturned: Paid, Returned: Refunded},
	Refunded: {Succeeded: Refunded},
}

// On returns the state that follows s when k happens, or a [Conflict] if k cannot happen to it.
func (s State) On(k Kind) (State, error) {
	next, ok := transitions[s][k]
	if !ok {
		return s, &Error{Code: Conflict, Message: fmt.Sprintf("an order that is %s cannot become %s", s, k)}
	}
	return next, nil
}

// settlesLate reports whether money that arrives in state s is late money.
func (s State) settlesLate() bool { return s == Expired || s == Cancelled }
