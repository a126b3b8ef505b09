package pay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"saoma/backend/pay"
)

// What the shops sell: one thing that is counted, of which there is always too little, and one that is not.
const (
	counted   = "counted"
	uncounted = "uncounted"
)

// openShops fills the catalogues.
func (s *simulation) openShops() error {
	p := s.now.Load()
	return p.Update(context.Background(), func(tx pay.Tx) error {
		for _, m := range s.merchants {
			s.shelves[m.ID] = &shelf{name: "0"}
			for _, product := range []pay.Product{
				{Merchant: m.ID, SKU: counted, Name: "0", Price: 777, Limited: true},
				{Merchant: m.ID, SKU: uncounted, Name: uncounted, Price: 555},
			} {
				if err := tx.PutProduct(context.Background(), product); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// cart is what a customer picks.
func (l *life) cart() []pay.Line {
	cart := []pay.Line{{SKU: counted, Quantity: 1 + l.rnd.IntN(3)}}
	if l.rnd.IntN(2) == 0 {
		cart = append(cart, pay.Line{SKU: uncounted, Quantity: 1}, pay.Line{SKU: counted, Quantity: 1})
	}
	return cart
}

// A shelf is what was delivered of the counted product to a shop.
type shelf struct {
	delivered int64
	name      string // of the product since the last delivery that is known to be in the books
	more      int64  // of the delivery after that
}

// stockkeeper delivers something now and then, as a shop's program does: it reads the product and puts it back with a
// higher stock, if nobody bought of it in between.
func (s *simulation) stockkeeper(ctx context.Context, m pay.MerchantID, rnd *rand.Rand) {
	for ctx.Err() == nil {
		if p := s.now.Load(); p != nil {
			s.shelves[m].deliver(ctx, p, m, int64(rnd.IntN(3)), fmt.Sprint(s.names.Add(1)))
		}
		pause(ctx, time.Duration(1+rnd.IntN(7200))*time.Second)
	}
}

func (h *shelf) deliver(ctx context.Context, p *process, m pay.MerchantID, more int64, name string) {
	product, err := h.read(ctx, p, m)
	if err != nil {
		return
	}
	before := product.Stock
	product.Stock, product.Name = max(before, 0)+more, name
	h.more = product.Stock - before
	// Whether it went well is read next time: after a crash nobody says so.
	_, _, _ = p.PutProduct(ctx, product, product.Version)
}

// read reads the product and counts the last delivery if it is in the books.
func (h *shelf) read(ctx context.Context, p *process, m pay.MerchantID) (product pay.Product, err error) {
	err = p.View(ctx, func(tx pay.Tx) error {
		product, err = tx.Product(ctx, m, counted)
		return err
	})
	if err == nil && product.Name != h.name {
		h.delivered, h.name = h.delivered+h.more, product.Name
	}
	return product, err
}

// checkStock holds what was delivered against what was sold. Nothing is reserved any more, and more than was there
// was sold only to those whose money came late.
func (s *simulation) checkStock(ctx context.Context, p *process, m pay.Merchant, b books) error {
	product, err := s.shelves[m.ID].read(ctx, p, m.ID)
	if err != nil {
		return err
	}
	var sold, late int64
	for _, o := range b.orders {
		if o.Merchant != m.ID || o.TransactionID == "" || o.Late && m.Late == pay.LateRefund {
			continue
		}
		for _, it := range o.Items {
			if it.SKU != counted {
				continue
			}
			sold += int64(it.Quantity)
			if o.Late {
				late += int64(it.Quantity)
			}
		}
	}
	delivered := s.shelves[m.ID].delivered
	if product.Reserved != 0 || product.Stock != delivered-sold || product.Stock < -late {
		return fmt.Errorf("%s: %d delivered, %d sold, %d of them late, but %d in stock and %d reserved",
			m.ID, delivered, sold, late, product.Stock, product.Reserved)
	}
	return nil
}
