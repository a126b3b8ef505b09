package pay_test

import (
	"context"
	"errors"
	"testing"

	"saoma/backend/pay"
)

// twice undoes every change and makes it again. The first time sight says what the change can read.
type twice struct {
	pay.Store
	sight func(pay.Tx) pay.Tx
}

func (s twice) Update(ctx context.Context, f func(pay.Tx) error) error {
	_ = s.Store.Update(ctx, func(tx pay.Tx) error { return errors.Join(f(s.sight(tx)), errUndone) })
	return s.Store.Update(ctx, f)
}

// A forgetfulTx reads a product once.
type forgetfulTx struct {
	pay.Tx
	read bool
}

func (t *forgetfulTx) Product(ctx context.Context, m pay.MerchantID, sku string) (pay.Product, error) {
	if t.read {
		return pay.Product{}, errUndone
	}
	t.read = true
	return t.Tx.Product(ctx, m, sku)
}

// What is asked is what is done, also when the change is made a second time after its last read has failed.
func TestAProductIsPutAgain(t *testing.T) {
	w := newWorld(t)
	w.Store = twice{w.Store, func(tx pay.Tx) pay.Tx { return &forgetfulTx{Tx: tx} }}
	made, p, err := w.PutProduct(t.Context(), pay.Product{Merchant: "cafe", SKU: "mug", Name: "马克杯", Price: 1280}, pay.NewVersion)
	if err != nil || !made || p.SKU != "mug" || p.Price != 1280 {
		t.Errorf("made %t, %+v, %v; want the mug", made, p, err)
	}
}

// An order whose attempt cannot be read at first is paid by, and closed with, that same attempt.
func TestAnAttemptIsReadAgain(t *testing.T) {
	w := newWorld(t)
	w.Store = twice{w.Store, func(tx pay.Tx) pay.Tx { return blindTx{tx} }}
	o, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: "cafe", Amount: 1280, Description: "tea"})
	if err != nil || o.State != pay.Pending || o.CodeURL == "" {
		t.Fatalf("%s, code %q, %v; want it pending", o.State, o.CodeURL, err)
	}
	if o, err = w.Cancel(t.Context(), o.ID); err != nil || o.State != pay.Cancelled {
		t.Errorf("%s, %v; want it cancelled", o.State, err)
	}
}
