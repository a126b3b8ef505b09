package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

func delivery(o pay.Order, n int) pay.Delivery {
	return pay.Delivery{
		ID: pay.DeliveryID(fmt.Sprintf("msg_%s_%d", o.ID, n)), Merchant: o.Merchant, Type: pay.WebhookOrderPaid, Order: o.ID,
		Subject: string(o.ID), Version: fmt.Sprint(n), Body: []byte(`{"type":"order.paid", "data":{"描述":"x"}}` + "\n"),
		State: pay.DeliveryWaiting, CreatedAt: noon.Add(time.Duration(n) * time.Second), NextAt: noon,
	}
}

func deliver(t *testing.T, s *store.Store, list ...pay.Delivery) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		for _, d := range list {
			if err := tx.InsertDelivery(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// claimed claims what is due at a moment and returns the ids.
func claimed(t *testing.T, s *store.Store, at time.Time) (ids []pay.DeliveryID) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		list, err := tx.ClaimDeliveries(ctx, "cafe", at, at.Add(time.Minute), 9)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return err
	})
	return ids
}

func testWebhooks(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	d := delivery(o, 1)
	again := d
	again.ID = "msg_other" // of the same change: not written
	deliver(t, s, d, again)
	e := pay.Endpoint{Merchant: "cafe", URL: "d1", State: pay.EndpointStopped, Failures: 7, FailingSince: noon, StoppedAt: noon.Add(1e9),
		Probes: 2, Reason: "answered 500", NextAt: noon.Add(time.Hour)}
	tries := []pay.DeliveryTry{
		{Number: 1, At: noon, Took: 31 * time.Millisecond, Status: 500, Trouble: "answered 500", Excerpt: "哎呀"},
		{Number: 2, At: noon.Add(5e9), Took: time.Millisecond, Status: 204},
	}
	d.Tries, d.Status, d.Trouble, d.NextAt = 1, 500, "answered 500", noon.Add(5*time.Second)
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		return errors.Join(tx.UpdateDelivery(ctx, d, noon), tx.InsertDeliveryTry(ctx, d.ID, tries[0]), tx.InsertDeliveryTry(ctx, d.ID, tries[1]),
			tx.PutEndpoint(ctx, pay.Endpoint{Merchant: "cafe", URL: "d0", State: pay.EndpointOn}), tx.PutEndpoint(ctx, e))
	})
	err := s.View(t.Context(), func(tx pay.Tx) error {
		got, err := tx.Delivery(t.Context(), d.ID)
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("delivery:\n got %+v, %v\nwant %+v", got, err, d)
		}
		for name, c := range map[string]struct {
			filter pay.DeliveryFilter
			want   int
		}{
			"all":              {pay.DeliveryFilter{Merchant: "cafe"}, 1},
			"of the order":     {pay.DeliveryFilter{Merchant: "cafe", Order: o.ID, Type: pay.WebhookOrderPaid, State: pay.DeliveryWaiting, Before: "n"}, 1},
			"another merchant": {pay.DeliveryFilter{Merchant: "other", Order: o.ID}, 0},
			"another type":     {pay.DeliveryFilter{Merchant: "cafe", Type: pay.WebhookOrderExpired}, 0},
			"another state":    {pay.DeliveryFilter{Merchant: "cafe", State: pay.DeliveryFailed}, 0},
			"older":            {pay.DeliveryFilter{Merchant: "cafe", Before: d.ID}, 0},
		} {
			c.filter.Limit = 9
			if list, err := tx.Deliveries(t.Context(), c.filter); err != nil || len(list) != c.want {
				t.Errorf("%s: %d, %v; want %d", name, len(list), err, c.want)
			}
		}
		if got, err := tx.DeliveryTries(t.Context(), d.ID); err != nil || !reflect.DeepEqual(got, tries) {
			t.Errorf("tries: %+v, %v", got, err)
		}
		if got, err := tx.Endpoint(t.Context(), "cafe"); err != nil || got != e {
			t.Errorf("endpoint: %+v, %v", got, err)
		}
		if _, err := tx.Endpoint(t.Context(), "other"); !errors.Is(err, pay.ErrNoRow) {
			t.Errorf("no endpoint: %v", err)
		}
		n, oldest, err := tx.DeliveryBacklog(t.Context(), "cafe")
		if n != 1 || !oldest.Equal(d.CreatedAt) {
			t.Errorf("backlog %d since %v", n, oldest)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// One of an order's is on its way at any time, in the order in which they were written.
func testWebhooksOfOneOrder(t *testing.T, s *store.Store) {
	one, two := order(1), order(2)
	insert(t, s, one, two)
	day := pay.Delivery{ID: "msg_day", Merchant: "cafe", Type: pay.WebhookReconciled, Subject: "2026-11-23", Version: "1", Body: []byte("{}"),
		State: pay.DeliveryWaiting, CreatedAt: noon, NextAt: noon.Add(time.Second)}
	a1, a2, b1 := delivery(one, 1), delivery(one, 2), delivery(two, 1)
	b1.NextAt = noon.Add(2 * time.Second)
	deliver(t, s, a1, a2, b1, day)
	if got := claimed(t, s, noon.Add(time.Minute)); len(got) != 3 {
		t.Fatalf("claimed %v; want the first of each order, and the day", got)
	}
	if got := claimed(t, s, noon.Add(time.Minute)); len(got) != 0 {
		t.Errorf("claimed again: %v", got)
	}
	later := noon.Add(time.Hour)
	for _, end := range []pay.DeliveryState{pay.DeliveryDelivered, pay.DeliveryFailed} {
		d := a1
		d.State, d.NextAt, d.DoneAt = end, time.Time{}, later
		update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.UpdateDelivery(ctx, d, later) })
	}
	d := b1
	d.State, d.NextAt = pay.DeliveryDelivered, time.Time{}
	update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.UpdateDelivery(ctx, d, later) })
	err := s.View(t.Context(), func(tx pay.Tx) error {
		next, err := tx.Delivery(t.Context(), a2.ID)
		if !next.NextAt.Equal(later) {
			t.Errorf("the second is due at %v; want %v", next.NextAt, later)
		}
		due, err2 := tx.AnyDeliveryDue(t.Context(), "cafe", later)
		foreign, err3 := tx.AnyDeliveryDue(t.Context(), "other", later)
		if !due || foreign {
			t.Errorf("due %t, another merchant's %t", due, foreign)
		}
		return errors.Join(err, err2, err3)
	})
	if err != nil {
		t.Error(err)
	}
}

// What is sent again takes its place before what was written later.
func testWebhooksSentAgain(t *testing.T, s *store.Store) {
	one := order(1)
	insert(t, s, one)
	list := []pay.Delivery{delivery(one, 1), delivery(one, 2), delivery(one, 3), delivery(one, 4)}
	deliver(t, s, list...)
	end := func(d pay.Delivery, state pay.DeliveryState) {
		d.State, d.NextAt, d.DoneAt, d.Tries = state, time.Time{}, noon, 3
		update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.UpdateDelivery(ctx, d, noon) })
	}
	end(list[0], pay.DeliveryDelivered)
	end(list[1], pay.DeliveryFailed)
	end(list[2], pay.DeliveryDelivered) // the fourth is on its way
	revive := func(since time.Time, states ...pay.DeliveryState) (n int) {
		update(t, s, func(ctx context.Context, tx pay.Tx) (err error) {
			n, err = tx.ReviveDeliveries(ctx, "cafe", since, noon, states)
			return err
		})
		return n
	}
	if n := revive(noon.Add(2*time.Second), pay.DeliveryFailed); n != 1 {
		t.Errorf("%d that failed are sent again; want 1", n)
	}
	update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.ReviveDelivery(ctx, list[0].ID, noon) })
	if n := revive(noon.Add(4*time.Second), pay.DeliveryDelivered, pay.DeliveryFailed); n != 0 {
		t.Errorf("%d too old ones are sent again", n)
	}
	for i, want := range []int{3, 0, 1} {
		if got := claimed(t, s, noon.Add(time.Duration(i)*time.Hour)); len(got) != 1 || got[0] != list[want].ID {
			t.Fatalf("claimed %v; want %s", got, list[want].ID)
		}
		end(list[want], pay.DeliveryDelivered)
	}
	if n := revive(noon, pay.DeliveryDelivered); n != 4 {
		t.Errorf("%d are sent again; want all", n)
	}
	if got := claimed(t, s, noon.Add(9*time.Hour)); len(got) != 1 || got[0] != list[0].ID {
		t.Errorf("claimed %v; want the first", got)
	}
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		d := list[0]
		d.NextAt = noon.Add(50 * time.Hour)
		if err := tx.UpdateDelivery(ctx, d, noon); err != nil {
			return err
		}
		n, err := tx.HurryDeliveries(ctx, "cafe", noon.Add(51*time.Hour), noon)
		m, err2 := tx.HurryDeliveries(ctx, "cafe", noon.Add(49*time.Hour), noon)
		if n != 0 || m != 1 {
			t.Errorf("%d and %d hurried; want 0 and 1", n, m)
		}
		return errors.Join(err, err2)
	})
}
