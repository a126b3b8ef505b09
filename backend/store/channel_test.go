package store_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// An attempt of another channel is read as it was written, and what it is paid by is no code to scan.
func testAnAttemptOfAnotherChannel(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	a := attempt(o, "H5")
	a.Channel, a.Payer = pay.H5, "a digest"
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		if err := tx.InsertAttempt(ctx, a); err != nil {
			return err
		}
		a.State, a.PrepayResult, a.PrepaidAt = pay.AttemptOpen, "https://wx.example/?a=1", a.CreatedAt.Add(time.Second)
		if err := tx.UpdateAttempt(ctx, a, pay.AttemptRequested); err != nil {
			return err
		}
		o.Version, o.State, o.Channel = 2, pay.Pending, pay.H5
		return tx.UpdateOrder(ctx, o)
	})
	err := s.View(t.Context(), func(tx pay.Tx) error {
		got, err := tx.LiveAttempt(t.Context(), o.ID)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(got, a) {
			t.Errorf("read %+v; want %+v", got, a)
		}
		fresh, err := tx.Order(t.Context(), o.ID)
		if fresh.CodeURL != "" || fresh.Channel != pay.H5 {
			t.Errorf("the order has code %q and channel %s", fresh.CodeURL, fresh.Channel)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
