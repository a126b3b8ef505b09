package pay_test

import (
	"errors"
	"testing"
	"time"

	"saoma/backend/pay"
)

// stocked puts a product of which there are n.
func (w *world) stocked(t *testing.T, n int64) {
	t.Helper()
	p := pay.Product{Merchant: shop, SKU: "bun", Name: "豆沙包", Price: 300, Limited: true, Stock: n}
	if _, _, err := w.PutProduct(t.Context(), p, pay.AnyVersion); err != nil {
		t.Fatal(err)
	}
}

func (w *world) product(t *testing.T, sku string) (p pay.Product) {
	t.Helper()
	err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		p, err = tx.Product(t.Context(), shop, sku)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) wantStock(t *testing.T, when string, stock, reserved int64) {
	t.Helper()
	if p := w.product(t, "bun"); p.Stock != stock || p.Reserved != reserved {
		t.Fatalf("%s: %d in stock, %d reserved; want %d and %d", when, p.Stock, p.Reserved, stock, reserved)
	}
}

func (w *world) buns(t *testing.T, quantity int) (pay.Order, error) {
	t.Helper()
	return w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "latte", Quantity: 1}, {SKU: "bun", Quantity: quantity}}})
}

// wantSoldOut wants a refusal that names the line of the buns.
func wantSoldOut(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || e.Code != pay.SoldOut || len(e.Fields) != 1 || e.Fields[0].Name != "items[1].quantity" {
		t.Fatalf("got %v; want sold out, and the line", err)
	}
}

// What is in orders that can be paid cannot be ordered again; what nobody paid can.
func TestGoodsAreReservedWhileAnOrderCanBePaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stocked(t, 3)
	o, err := w.buns(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.wantStock(t, "ordered", 1, 2)
	_, err = w.buns(t, 2)
	wantSoldOut(t, err)
	w.wantStock(t, "refused", 1, 2)
	w.forward(pay.ExpiresInDefault + time.Second)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Expired)
	w.wantStock(t, "expired", 3, 0)
	if o, err = w.Renew(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	w.wantStock(t, "renewed", 1, 2)
	if o, err = w.Renew(t.Context(), o.ID); err != nil { // pending: it holds its goods
		t.Fatal(err)
	}
	w.wantStock(t, "renewed again", 1, 2)
	w.pays(t, o)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	w.wantStock(t, "paid", 1, 0)
}

func TestACancelledOrderGivesItsGoodsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stocked(t, 1)
	o, err := w.buns(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.Cancel(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
		w.wantStock(t, "cancelled", 1, 0)
	}
}

// A customer who comes back too late gets no code for what was sold to somebody else meanwhile.
func TestNoRenewalOfWhatIsSoldOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stocked(t, 1)
	o, err := w.buns(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.forward(pay.ExpiresInDefault + time.Second)
	w.sweep(t)
	if _, err := w.buns(t, 1); err != nil {
		t.Fatal(err)
	}
	trades := len(w.sim.Trades())
	_, err = w.Renew(t.Context(), o.ID)
	wantSoldOut(t, err)
	w.wantState(t, o.ID, pay.Expired)
	w.wantStock(t, "refused", 0, 1)
	if n := len(w.sim.Trades()); n != trades {
		t.Errorf("WeChat Pay was asked for a code all the same: %d trades; want %d", n, trades)
	}
}

// Late money is never refused: the goods are owed. A merchant who wants no late money sells nothing.
func TestLateMoneySellsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for policy, want := range map[pay.LatePolicy]int64{pay.LateAccept: -1, pay.LateRefund: 0} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.late = policy
			w.start(t)
			w.stocked(t, 1)
			o, err := w.buns(t, 1)
			if err != nil {
				t.Fatal(err)
			}
			late := w.notice()
			if _, err := w.Cancel(t.Context(), o.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.buns(t, 1); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := w.Settle(t.Context(), late); err != nil {
					t.Fatal(err)
				}
				w.wantStock(t, "paid late", want, 1)
			}
		})
	}
}

// Late money by an old code, while a new one is on the screen, sells once.
func TestLateMoneyBesideARenewal(t *testing.T) {
	t.Parallel()
	for policy, want := range map[pay.LatePolicy]int64{pay.LateAccept: 1, pay.LateRefund: 1} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.late = policy
			w.start(t)
			w.stocked(t, 2)
			o, err := w.buns(t, 1)
			if err != nil {
				t.Fatal(err)
			}
			old := w.notice()
			w.forward(pay.ExpiresInDefault + time.Second)
			w.sweep(t)
			if _, err := w.Renew(t.Context(), o.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Settle(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			w.wantStock(t, "paid by the old code", want, 0)
			w.forward(pay.ExpiresInDefault + time.Second)
			w.sweep(t) // closes the new code
			w.wantStock(t, "the new code closed", want, 0)
		})
	}
}

func TestWhatIsOffCannotBeOrdered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.product(t, "latte")
	p.Off = true
	if _, _, err := w.PutProduct(t.Context(), p, p.Version); err != nil {
		t.Fatal(err)
	}
	_, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "latte", Quantity: 1}}})
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Code != pay.Invalid || e.Fields[0].Name != "items[0].sku" {
		t.Errorf("got %v; want a refusal of items[0].sku", err)
	}
}

// Who writes back what was read before somebody bought would sell the same thing twice.
func TestAProductIsNotPutOverASale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stocked(t, 5)
	p := w.product(t, "bun")
	if _, err := w.buns(t, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.PutProduct(t.Context(), p, p.Version); pay.CodeOf(err) != pay.Stale {
		t.Errorf("put over a sale: %v; want stale", err)
	}
	if err := w.DeleteProduct(t.Context(), shop, "bun", p.Version); pay.CodeOf(err) != pay.Stale {
		t.Errorf("deleted over a sale: %v; want stale", err)
	}
	w.wantStock(t, "refused", 4, 1)
	p.Limited = false
	if _, _, err := w.PutProduct(t.Context(), p, pay.AnyVersion); err != nil {
		t.Fatal(err)
	}
	w.wantStock(t, "not counted any more", 0, 0)
}
