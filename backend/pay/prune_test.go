package pay_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"saoma/backend/pay"
)

// The house is kept: webhooks go when they are old, what is of money stays, and its history is whole.
func TestPrune(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	paid := w.paid(t)
	const many = 450 // more than two transactions look at
	err := w.Store.Update(t.Context(), func(tx pay.Tx) error {
		for i := range many {
			at := w.Now().Add(time.Duration(i) * time.Second)
			d := pay.Delivery{ID: pay.DeliveryID(fmt.Sprintf("msg_%04d", i)), Merchant: shop, Type: pay.WebhookTest, Subject: fmt.Sprint(i), Version: "1", Body: []byte("{}"),
				State: pay.DeliveryDelivered, CreatedAt: at, DoneAt: at}
			err := errors.Join(tx.InsertDelivery(t.Context(), d), tx.InsertDeliveryTry(t.Context(), d.ID, pay.DeliveryTry{At: at, Status: 204}))
			if err != nil {
				return err
			}
		}
		return tx.SaveReconciliation(t.Context(), pay.Reconciliation{Merchant: shop, Day: w.today()})
	})
	if err != nil {
		t.Fatal(err)
	}
	events := len(w.kinds(t, paid.ID))
	tries := func() (n int) {
		for i := range many {
			if _, _, err := w.Delivery(t.Context(), shop, pay.DeliveryID(fmt.Sprintf("msg_%04d", i))); err == nil {
				n++
			}
		}
		return n
	}
	for _, x := range []struct {
		after time.Duration
		want  int
	}{
		{pay.DeliveriesKept - time.Hour, many}, {2 * time.Hour, 0},
	} {
		w.forward(x.after)
		if err := w.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := tries(); n != x.want {
			t.Errorf("after %v there are %d webhooks; want %d", x.after, n, x.want)
		}
	}
	w.forward(pay.ReportsKept)
	if err := w.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = w.Store.View(t.Context(), func(tx pay.Tx) error {
		if list, err := tx.Reconciliations(t.Context(), shop, "", 9); err != nil || len(list) != 0 {
			t.Errorf("the reports are %v, %v", list, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.wantState(t, paid.ID, pay.Paid)
	if got := w.kinds(t, paid.ID); len(got) != events {
		t.Errorf("the history is %v; it had %d events", got, events)
	}
	if _, _, err := w.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
