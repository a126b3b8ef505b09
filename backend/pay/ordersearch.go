package pay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// An OrderSearch chooses a merchant's orders for people, newest first. Zero fields do not choose.
type OrderSearch struct {
	Merchant MerchantID

	// Text is, exactly, the number of an order, an attempt (out_trade_no), a payment (transaction_id) or a refund, or
	// the shop's own reference. An order is also found if its Total is this one.
	Text  string
	Total Fen

	State    State
	From, To time.Time   // made in this span, To excluded
	After    OrderCursor // where the page before ended
	Limit    int         // 1 to ListMax
}

// An OrderCursor is a place in a list of orders that is sorted by time.
type OrderCursor struct {
	At time.Time
	ID OrderID
}

// OrderSearchTx searches orders.
type OrderSearchTx interface {
	// SearchOrders returns at most Limit orders. It asks for Text or for Total, not for both.
	SearchOrders(context.Context, OrderSearch) ([]Order, error)
}

// SearchOrders returns a page of orders, and where it ends: zero if there are no more.
func (c *Cashier) SearchOrders(ctx context.Context, s OrderSearch) (list []Order, next OrderCursor, err error) {
	limit := s.Limit
	s.Limit++ // one more tells whether there is a next page
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err = search(ctx, tx, s)
		return err
	})
	if err != nil {
		return nil, next, fmt.Errorf("search the orders of %s: %w", s.Merchant, err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = OrderCursor{At: last.CreatedAt, ID: last.ID}
	}
	return list, next, nil
}

// search asks for numbers and for the amount one after the other: each has an index of its own.
func search(ctx context.Context, tx OrderSearchTx, s OrderSearch) ([]Order, error) {
	if s.Text == "" || s.Total == 0 {
		return tx.SearchOrders(ctx, s)
	}
	byText, byTotal := s, s
	byText.Total, byTotal.Text = 0, ""
	list, err := tx.SearchOrders(ctx, byText)
	if err != nil {
		return nil, err
	}
	more, err := tx.SearchOrders(ctx, byTotal)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	slices.SortFunc(list, func(a, b Order) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID)) })
	list = slices.CompactFunc(list, func(a, b Order) bool { return a.ID == b.ID })
	return list[:min(len(list), s.Limit)], nil
}

// A History is all that is known of an order.
type History struct {
	Order    Order
	Attempts []Attempt // oldest first
	Refunds  []Refund  // oldest first
	Events   []Event   // oldest first
	Webhooks []Webhook // oldest first
	Left     Fen       // of the payment, that may be refunded
}

// A Webhook is a delivery with all its tries, oldest first.
type Webhook struct {
	Delivery
	Sent []DeliveryTry
}

// History returns all that is known of an order of the merchant. Another's is as unknown as none.
func (c *Cashier) History(ctx context.Context, m MerchantID, id OrderID) (h History, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		if h.Order, err = tx.Order(ctx, id); err != nil {
			return err
		}
		if h.Order.Merchant != m {
			return ErrNoRow
		}
		if h.Attempts, err = tx.Attempts(ctx, id); err != nil {
			return err
		}
		if h.Refunds, err = tx.Refunds(ctx, id); err != nil {
			return err
		}
		if h.Events, err = tx.Events(ctx, id); err != nil {
			return err
		}
		h.Webhooks, err = webhooksOf(ctx, tx, m, id)
		return err
	})
	if err != nil {
		return History{}, fmt.Errorf("history of %s: %w", id, notFound(err))
	}
	for _, a := range h.Attempts {
		if a.State == AttemptPaid && a.TransactionID == h.Order.TransactionID && h.Order.State == Paid {
			h.Left = a.Total - a.Refunded
		}
	}
	return h, nil
}

func webhooksOf(ctx context.Context, tx WebhookTx, m MerchantID, id OrderID) (list []Webhook, err error) {
	deliveries, err := tx.Deliveries(ctx, DeliveryFilter{Merchant: m, Order: id, Limit: ListMax})
	for _, d := range slices.Backward(deliveries) {
		w := Webhook{Delivery: d}
		if w.Sent, err = tx.DeliveryTries(ctx, d.ID); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, err
}
