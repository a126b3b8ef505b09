package pay

import (
	"context"
	"errors"
	"fmt"
)

// How goods are counted. An order reserves its goods for as long as it can be paid in the ordinary way, which is as
// long as it has a live attempt. From there:
//
//   - paid: the goods are sold, and the reservation ends;
//   - expired or cancelled: they are given back, in the transaction that says so;
//   - renewed after that: they are reserved again, before there is a new code, or the renewal is refused;
//   - late money: it is never refused, so the goods are sold again, if need be below zero. If the merchant sends late
//     money back, nothing is sold;
//   - refunded: they stay sold. Money that goes back says nothing of goods: a coffee was drunk, a shirt comes back
//     next week or never. The shop counts what it has again and puts the number.
//
// What an order holds is what was counted at the time: a product that was not counted then is not given back later.

// A Reservation is what an order has taken from the stock of a product.
type Reservation struct {
	Order    OrderID
	Merchant MerchantID
	SKU      string
	Quantity int64
}

// StockTx counts goods.
type StockTx interface {
	// AddStock changes the stock of a product by n and returns what is left. counted is false, and nothing
	// happens, if the product is not counted or not there.
	AddStock(ctx context.Context, m MerchantID, sku string, n int64) (left int64, counted bool, err error)
	// Reserve writes a reservation, or adds to the one that the order has of the product.
	Reserve(context.Context, Reservation) error
	// Unreserve deletes the reservations of an order and returns them.
	Unreserve(context.Context, OrderID) ([]Reservation, error)
}

// reserve takes the goods of an order from the stock, or refuses with [SoldOut] and names every line of which there is
// too little. The caller's transaction must then come to nothing.
func reserve(ctx context.Context, tx StockTx, o Order) error {
	var f fields
	for i, it := range o.Items {
		n := int64(it.Quantity)
		left, counted, err := tx.AddStock(ctx, o.Merchant, it.SKU, -n)
		if err != nil {
			return err
		}
		if !counted {
			continue
		}
		switch before := left + n; {
		case before <= 0:
			f.add(fmt.Sprintf("items[%d].quantity", i), it.SKU+" is sold out")
		case left < 0:
			f.add(fmt.Sprintf("items[%d].quantity", i), fmt.Sprintf("must be at most %d: no more of %s are left", before, it.SKU))
		}
		if err := tx.Reserve(ctx, Reservation{Order: o.ID, Merchant: o.Merchant, SKU: it.SKU, Quantity: n}); err != nil {
			return err
		}
	}
	if len(f) > 0 {
		return &Error{Code: SoldOut, Message: "there is not enough in stock", Fields: f}
	}
	return nil
}

// giveBackGoods ends the reservations of an order that nobody has paid.
func giveBackGoods(ctx context.Context, tx StockTx, id OrderID) error {
	list, err := tx.Unreserve(ctx, id)
	if err != nil {
		return err
	}
	for _, r := range list {
		if _, _, err := tx.AddStock(ctx, r.Merchant, r.SKU, r.Quantity); err != nil {
			return err
		}
	}
	return nil
}

// sell ends the reservations of an order that is paid for the first time, by an attempt that was in state from. If
// it had none any more, because the money is late, the goods are taken from the stock though none may be left.
func (c *Cashier) sell(ctx context.Context, tx Tx, o Order, from AttemptState) error {
	if len(o.Items) == 0 {
		return nil
	}
	if m, _ := c.Merchants.ByID(o.Merchant); o.Late && m.Late == LateRefund {
		return giveBackGoods(ctx, tx, o.ID) // of a renewal under way, if there is one
	}
	reserved := from.Live()
	if !reserved {
		_, err := tx.LiveAttempt(ctx, o.ID)
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
		reserved = err == nil
	}
	if reserved {
		_, err := tx.Unreserve(ctx, o.ID)
		return err
	}
	for _, it := range o.Items {
		if _, _, err := tx.AddStock(ctx, o.Merchant, it.SKU, -int64(it.Quantity)); err != nil {
			return err
		}
	}
	return nil
}
