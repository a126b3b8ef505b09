package pay

import (
	"context"
	"fmt"
	"time"
)

// A LedgerSpan is a part of a merchant's ledger, in the order of time: what bookkeeping takes out of the books.
type LedgerSpan struct {
	Merchant MerchantID
	From, To time.Time // To is excluded

	// After is where the page before ended: a moment, and the number of what was there.
	After   time.Time
	AfterID string
	Limit   int
}

// LedgerTx reads orders, payments and refunds by time, the oldest first.
type LedgerTx interface {
	// LedgerOrders are by the time they were made.
	LedgerOrders(context.Context, LedgerSpan) ([]Order, error)
	// LedgerPayments are attempts that were paid, by WeChat Pay's success_time: the day of its bill.
	LedgerPayments(context.Context, LedgerSpan) ([]Attempt, error)
	// LedgerRefunds are those that WeChat Pay took, by the time we heard of it.
	LedgerRefunds(context.Context, LedgerSpan) ([]Refund, error)
}

// LedgerPage is how many rows are read at a time, so that no transaction is open for as long as the reader is slow.
const LedgerPage = 500

// EachOrder, EachPayment and EachRefund go through all of a span.
func (c *Cashier) EachOrder(ctx context.Context, s LedgerSpan, f func(Order) error) error {
	return eachOf(ctx, c, s, Tx.LedgerOrders, func(o Order) (time.Time, string) { return o.CreatedAt, string(o.ID) }, f)
}

// EachPayment see [Cashier.EachOrder].
func (c *Cashier) EachPayment(ctx context.Context, s LedgerSpan, f func(Attempt) error) error {
	return eachOf(ctx, c, s, Tx.LedgerPayments, func(a Attempt) (time.Time, string) { return a.PaidAt, a.OutTradeNo }, f)
}

// EachRefund see [Cashier.EachOrder].
func (c *Cashier) EachRefund(ctx context.Context, s LedgerSpan, f func(Refund) error) error {
	return eachOf(ctx, c, s, Tx.LedgerRefunds, func(r Refund) (time.Time, string) { return r.AcceptedAt, string(r.ID) }, f)
}

func eachOf[T any](ctx context.Context, c *Cashier, s LedgerSpan, read func(Tx, context.Context, LedgerSpan) ([]T, error),
	place func(T) (time.Time, string), f func(T) error,
) error {
	s.Limit = LedgerPage
	for {
		var page []T
		err := c.Store.View(ctx, func(tx Tx) (err error) {
			page, err = read(tx, ctx, s)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the ledger of %s: %w", s.Merchant, err)
		}
		for _, row := range page {
			if err := f(row); err != nil {
				return err
			}
		}
		if len(page) < s.Limit {
			return nil
		}
		s.After, s.AfterID = place(page[len(page)-1])
	}
}
