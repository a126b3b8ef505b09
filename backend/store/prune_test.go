package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// prune calls one of the prunings until it has come to an end, and returns how often.
func prune(t *testing.T, s *store.Store, some func(pay.Tx, context.Context, pay.DeliveryID, time.Time, int) (pay.DeliveryID, error), before time.Time) (calls int) {
	t.Helper()
	after := pay.DeliveryID("")
	for more := true; more; more = after != "" {
		calls++
		update(t, s, func(ctx context.Context, tx pay.Tx) (err error) {
			after, err = some(tx, ctx, after, before, 2)
			return err
		})
	}
	return calls
}

// What has ended before a time goes, page by page; what waits, or ended later, stays, wherever it stands.
func testPruning(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	old, late := noon, noon.Add(100*24*time.Hour)
	ends := map[int]time.Time{1: old, 2: old, 3: {}, 4: late, 5: old, 6: old, 7: late, 8: late} // 3 waits, 4 was sent again
	var list []pay.Delivery
	for n := range len(ends) {
		d := delivery(o, n+1)
		d.State, d.DoneAt, d.NextAt = pay.DeliveryDelivered, ends[n+1], time.Time{}
		if n == 4 {
			d.State = pay.DeliveryFailed
		}
		if d.DoneAt.IsZero() {
			d.State, d.NextAt = pay.DeliveryWaiting, noon
		}
		if n >= 6 {
			d.CreatedAt = late
		}
		list = append(list, d)
	}
	deliver(t, s, list...)
	update(t, s, func(ctx context.Context, tx pay.Tx) (err error) {
		for _, d := range list {
			err = errors.Join(err, tx.InsertDeliveryTry(ctx, d.ID, pay.DeliveryTry{At: noon}), tx.InsertDeliveryTry(ctx, d.ID, pay.DeliveryTry{At: noon}))
		}
		for _, day := range []string{"2016-01-01", "2016-01-02"} {
			err = errors.Join(err, tx.SaveReconciliation(ctx, pay.Reconciliation{Merchant: "cafe", Day: day}))
		}
		return errors.Join(err, tx.PruneReconciliations(ctx, "2016-01-02"))
	})
	left := func() string {
		var all []string
		err := s.View(t.Context(), func(tx pay.Tx) error {
			for _, d := range list {
				_, err := tx.Delivery(t.Context(), d.ID)
				if errors.Is(err, pay.ErrNoRow) {
					continue
				}
				tries, triesErr := tx.DeliveryTries(t.Context(), d.ID)
				if err := errors.Join(err, triesErr); err != nil {
					return err
				}
				all = append(all, fmt.Sprint(strings.TrimPrefix(string(d.ID), "msg_"+string(o.ID)+"_"), ":", len(tries)))
			}
			reports, err := tx.Reconciliations(t.Context(), "cafe", "", 9)
			if len(reports) != 1 || reports[0].Day != "2016-01-02" {
				t.Errorf("the reports are %v", reports)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, " ")
	}
	before := noon.Add(24 * time.Hour)
	if n := prune(t, s, pay.Tx.PruneDeliveryTries, before); n != 4 || left() != "1:0 2:0 3:2 4:2 5:0 6:0 7:2 8:2" {
		t.Errorf("after %d prunings of tries there are %s", n, left())
	}
	if n := prune(t, s, pay.Tx.PruneDeliveryTries, before); n != 2 { // 3 and 4 are looked at, then 7 is young
		t.Errorf("the tries that are left took %d looks", n)
	}
	if prune(t, s, pay.Tx.PruneDeliveries, before); left() != "3:2 4:2 7:2 8:2" {
		t.Errorf("after pruning there are %s", left())
	}
	if prune(t, s, pay.Tx.PruneDeliveries, late.Add(time.Second)); left() != "3:2" {
		t.Errorf("after all there are %s", left())
	}
	// The numbers in the order's queue go on: what comes next waits for what waits.
	next := delivery(o, 9)
	deliver(t, s, next)
	if ids := claimed(t, s, noon.Add(time.Hour)); len(ids) != 1 || ids[0] != list[2].ID {
		t.Errorf("claimed %v", ids)
	}
}
