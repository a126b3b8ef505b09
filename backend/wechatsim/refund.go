package wechatsim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The rules of refunds, as WeChat Pay publishes them.
const (
	refundLife  = 365 * 24 * time.Hour // after the payment no refund is accepted any more
	refundGap   = time.Minute          // between two refunds of one order
	refundCount = 50                   // refunds of one order
)

// refundTime is how long a refund takes by default. A real one takes up to 5 minutes to the balance, days to a card.
const refundTime = 2 * time.Second

// A RefundState is the status of a refund.
type RefundState string

// The states of a refund. PROCESSING becomes one of the others; ABNORMAL may be set off again by apply-abnormal-refund.
const (
	RefundProcessing RefundState = "PROCESSING"
	RefundSucceeded  RefundState = "SUCCESS"
	RefundAbnormal   RefundState = "ABNORMAL"
	RefundClosed     RefundState = "CLOSED"
)

// A Refund is one accepted refund as WeChat Pay sees it. Amounts are in fen.
type Refund struct {
	OutRefundNo   string      `json:"out_refund_no"`
	RefundID      string      `json:"refund_id"`
	OutTradeNo    string      `json:"out_trade_no"`
	TransactionID string      `json:"transaction_id"`
	Reason        string      `json:"reason"`
	NotifyURL     string      `json:"notify_url"` // "": no callback
	Amount        int64       `json:"amount"`     // fen that go back
	Total         int64       `json:"total"`      // fen of the order
	Currency      string      `json:"currency"`
	FundsAccount  string      `json:"funds_account"`
	Channel       string      `json:"channel"`
	Receiver      string      `json:"user_received_account"`
	State         RefundState `json:"state"`
	CreatedAt     time.Time   `json:"created_at"`
	EndedAt       time.Time   `json:"ended_at,omitzero"` // of the last state that is not PROCESSING
	Callbacks     []Delivery  `json:"callbacks"`         // oldest first
}

// A refund is a Refund and what the outside does not see.
type refund struct {
	Refund
	params string // as in trade
	trade  *trade
	from   []refundSource
	fee    int64 // fen of the fee that the merchant gets back
	steps  []step
	tries  int // how often it was set off; a timer of an earlier try ends nothing
}

// A step is when a refund came into a state.
type step struct {
	state RefundState
	at    time.Time
}

// turn brings a refund into a state.
func (r *refund) turn(state RefundState, now time.Time) {
	r.State = state
	r.steps = append(r.steps, step{state, now})
}

// stateAt is the state that a refund had at a time, and since when.
func (r *refund) stateAt(t time.Time) (state RefundState, since time.Time) {
	last := r.steps[0]
	for _, s := range r.steps[1:] {
		if !s.at.After(t) {
			last = s
		}
	}
	return last.state, last.at
}

// copy is safe to hand out: it shares nothing that changes.
func (r *refund) copy() Refund {
	c := r.Refund
	c.Callbacks = append([]Delivery{}, r.Callbacks...)
	return c
}

// cost is what a refund takes from the merchant's account, in fen: the fee comes back in proportion.
func (r *refund) cost() int64 { return r.Amount - r.fee }

// addRefund accepts a refund of a paid order: it is PROCESSING, and the order is REFUND from now on.
func (b *book) addRefund(r *refund, now time.Time) {
	t := r.trade
	r.CreatedAt = now
	r.turn(RefundProcessing, now)
	r.RefundID = "503" + randomOf(digits, 7) + now.In(beijing()).Format("20060102") + randomOf(digits, 11)
	r.OutTradeNo, r.TransactionID, r.Total, r.Currency = t.OutTradeNo, t.TransactionID, t.Total, t.Currency
	r.Channel, r.Receiver = "ORIGINAL", "支付用户零钱"
	t.State = StateRefunded
	t.refunds = append(t.refunds, r)
	b.refunds[r.OutRefundNo] = r
	b.allRefunds = append(b.allRefunds, r)
	b.account.book(entry{at: now, of: t.SubMchID, refund: r}, -r.cost())
}

// refunded is how much of an order went back or is on its way, in fen. What a CLOSED refund held may be refunded again.
func (t *trade) refunded() int64 {
	var sum int64
	for _, r := range t.refunds {
		if r.State != RefundClosed {
			sum += r.Amount
		}
	}
	return sum
}

// endRefund brings a refund to its end.
func (b *book) endRefund(r *refund, end RefundState, now time.Time) {
	r.turn(end, now)
	r.EndedAt = now
	if end == RefundClosed {
		b.account.balances[r.trade.SubMchID] += r.cost()
	}
}

// Why FinishRefund refuses; test with errors.Is.
var (
	ErrUnknownRefund = errors.New("no refund has this number")
	ErrRefundEnded   = errors.New("the refund is not PROCESSING")
	ErrRefundState   = errors.New("a refund ends as SUCCESS, ABNORMAL or CLOSED")
)

// FinishRefund ends a PROCESSING refund at once; its callback follows by itself.
func (s *Server) FinishRefund(outRefundNo string, end RefundState) (Refund, error) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.book.refunds[outRefundNo]
	switch {
	case end != RefundSucceeded && end != RefundAbnormal && end != RefundClosed:
		return Refund{}, fmt.Errorf("simulator: %w, not %q", ErrRefundState, end)
	case r == nil:
		return Refund{}, fmt.Errorf("simulator: %q: %w", outRefundNo, ErrUnknownRefund)
	case r.State != RefundProcessing:
		return Refund{}, fmt.Errorf("simulator: %q is %s: %w", outRefundNo, r.State, ErrRefundEnded)
	}
	s.finish(r, end, now)
	return r.copy(), nil
}

// setOff lets a PROCESSING refund end after its time, as the faults want it. The caller holds s.mu.
func (s *Server) setOff(r *refund) {
	r.tries++
	try, end := r.tries, s.faults.RefundOutcome.end()
	if s.closed || end == "" {
		return
	}
	s.callbacks.Go(func() {
		if !s.wait(s.refundTime) {
			return
		}
		now := s.clock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.State == RefundProcessing && r.tries == try {
			s.finish(r, end, now)
		}
	})
}

// finish ends a refund and starts its callback. The caller holds s.mu.
func (s *Server) finish(r *refund, end RefundState, now time.Time) {
	s.book.endRefund(r, end, now)
	s.announce(r.notification(s.merchant, now))
}

// Refunds is a snapshot of all accepted refunds, the newest first.
func (s *Server) Refunds() []Refund { return s.newestRefunds(0) }

// newestRefunds gives at most limit refunds; 0: all.
func (s *Server) newestRefunds(limit int) []Refund {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	if limit > 0 {
		from = max(0, len(s.book.allRefunds)-limit)
	}
	list := make([]Refund, 0, len(s.book.allRefunds)-from)
	for _, r := range slices.Backward(s.book.allRefunds[from:]) {
		list = append(list, r.copy())
	}
	return list
}
