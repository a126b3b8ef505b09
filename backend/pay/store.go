package pay

import (
	"context"
	"errors"
	"time"
)

// A Store keeps the books. What it reports as committed survives the loss of power.
type Store interface {
	// View runs f in a read-only transaction that sees one moment of the books.
	View(ctx context.Context, f func(Tx) error) error

	// Update runs f in a transaction that is committed if f returns nil, and otherwise leaves nothing
	// behind. f must not talk to the network: it holds the write lock. It may be run again from its beginning when
	// what it did was undone because of the change of another.
	Update(ctx context.Context, f func(Tx) error) error
}

// ErrNoRow is returned, wrapped, by methods of a [Tx] that name one thing which is not there.
var ErrNoRow = errors.New("no such row")

// ErrStale is returned, wrapped, by an update whose row was changed by somebody else meanwhile.
var ErrStale = errors.New("changed meanwhile")

// A Tx is an open transaction on the books.
type Tx interface {
	OrderTx
	AttemptTx
	RefundTx
	EventTx
	CatalogTx
	StockTx
	KeyTx
	OnceTx
	ReconcileTx
	StaffTx
	SessionTx
	TriesTx
	StaffLogTx
	WebhookTx
	EchoTx
	OrderSearchTx
	LedgerTx
	PruneTx
	FiguresTx
	ShownTx
	LeaseTx
}

// OrderTx reads and writes orders.
type OrderTx interface {
	Order(context.Context, OrderID) (Order, error)
	OrderByToken(context.Context, Token) (Order, error)
	Orders(context.Context, OrderFilter) ([]Order, error)
	// Versions returns the versions of those of the orders that are there.
	Versions(context.Context, []OrderID) (map[OrderID]int64, error)
	InsertOrder(context.Context, Order) error
	// UpdateOrder writes what may change of an order whose stored version is o.Version-1, or returns ErrStale.
	UpdateOrder(ctx context.Context, o Order) error
}

// An OrderFilter chooses a merchant's orders, newest first. Zero fields do not filter.
type OrderFilter struct {
	Merchant     MerchantID
	State        State
	Reference    string
	CreatedAfter time.Time
	Before       OrderID // only orders older than this one: the cursor
	Limit        int     // 1 to ListMax
}

// AttemptTx reads and writes attempts.
type AttemptTx interface {
	// DueMerchants returns the merchants of whom an attempt or a refund is to be looked at, each once.
	DueMerchants(ctx context.Context, now time.Time) ([]MerchantID, error)
	// UnderWay counts live attempts and refunds that have not ended, by WeChat Pay account.
	UnderWay(context.Context) ([]UnderWay, error)
	// AnyDue reports whether an attempt or a refund of the merchant is to be looked at.
	AnyDue(ctx context.Context, m MerchantID, now time.Time) (bool, error)
	Attempt(ctx context.Context, outTradeNo string) (Attempt, error)
	// LiveAttempt returns the one attempt of the order that is requested or open.
	LiveAttempt(context.Context, OrderID) (Attempt, error)
	// PaidAttempt returns the attempt of the order that the transaction paid.
	PaidAttempt(ctx context.Context, id OrderID, transactionID string) (Attempt, error)
	Attempts(context.Context, OrderID) ([]Attempt, error) // oldest first
	InsertAttempt(context.Context, Attempt) error
	// UpdateAttempt writes what may change of an attempt that is stored in state from, or returns ErrStale.
	UpdateAttempt(ctx context.Context, a Attempt, from AttemptState) error
	// ClaimAttempts returns live attempts of the merchant whose CheckAt is not after now, the longest overdue first, and
	// moves their CheckAt to until, so that nobody else claims them meanwhile.
	ClaimAttempts(ctx context.Context, m MerchantID, now, until time.Time, limit int) ([]Attempt, error)
}

// UnderWay is how many live attempts and unfinished refunds a merchant has of one WeChat Pay account.
type UnderWay struct {
	Merchant        MerchantID
	MchID, SubMchID string
	Count           int
}

// EventTx appends to and reads the history of orders.
type EventTx interface {
	AppendEvent(context.Context, Event) error
	Events(context.Context, OrderID) ([]Event, error)
	// LastEvent returns the number and the hash of an order's last event, 0 and "" if it has none.
	LastEvent(context.Context, OrderID) (number int64, hash string, err error)
	ChainTx
}

// ChainTx reads and seals the history of all orders.
type ChainTx interface {
	// EachEvent goes through all events, order by order, in the order of their numbers.
	EachEvent(context.Context, func(Event) error) error
	// EachHash goes through the hashes of events of a span of time, by order and number.
	EachHash(ctx context.Context, begin, end time.Time, f func(hash string)) error
	FirstEventAt(context.Context) (time.Time, error)
	InsertRoot(context.Context, Root) error
	Roots(context.Context) ([]Root, error) // oldest first
}

// RefundTx reads and writes refunds.
type RefundTx interface {
	Refund(context.Context, RefundID) (Refund, error)
	Refunds(context.Context, OrderID) ([]Refund, error) // oldest first
	InsertRefund(context.Context, Refund) error
	// UpdateRefund writes what may change of a refund that is stored in state from, or returns ErrStale.
	UpdateRefund(ctx context.Context, r Refund, from RefundState) error
	// ClaimRefunds is to refunds what ClaimAttempts is to attempts.
	ClaimRefunds(ctx context.Context, m MerchantID, now, until time.Time, limit int) ([]Refund, error)
}
