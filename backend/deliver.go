package main

import (
	"context"
	"sync"
	"time"

	"saoma/backend/pay"
)

// deliverEvery is how late a try that is due again is made, at most. What was just committed does not wait for it.
const deliverEvery = 500 * time.Millisecond

// A deliverer sends webhooks: each merchant's by themselves, so that one whose server hangs does not hold up another.
type deliverer struct {
	*service
	mu    sync.Mutex
	under map[pay.MerchantID]chan struct{} // merchants whose webhooks are being sent; a signal says that there are more
	woken map[pay.MerchantID]bool
	wake  chan struct{}
}

func newDeliverer(s *service) *deliverer {
	return &deliverer{
		service: s, under: make(map[pay.MerchantID]chan struct{}), woken: make(map[pay.MerchantID]bool), wake: make(chan struct{}, 1),
	}
}

// told takes note, after a commit, that there may be webhooks of a merchant to be sent at once.
func (d *deliverer) told(m pay.MerchantID) {
	d.mu.Lock()
	d.woken[m] = true
	d.mu.Unlock()
	nudge(d.wake)
}

// nudge leaves a message unless one lies there already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (d *deliverer) run(ctx context.Context) {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			d.mu.Lock()
			woken := d.woken
			d.woken = make(map[pay.MerchantID]bool)
			d.mu.Unlock()
			for m := range woken {
				d.deliver(ctx, m)
			}
		case <-tick.C:
			due, err := d.cashier.DueDeliveries(ctx)
			if err != nil && ctx.Err() == nil {
				d.log.Error("look for webhooks", "error", err)
			}
			for _, m := range due {
				d.deliver(ctx, m)
			}
		}
	}
}

// deliver has a merchant's webhooks sent, by whoever is at it already or by somebody new.
func (d *deliverer) deliver(ctx context.Context, m pay.MerchantID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if more, busy := d.under[m]; busy {
		nudge(more)
		return
	}
	more := make(chan struct{}, 1)
	d.under[m] = more
	d.loops.Go(func() {
		for again := true; again; {
			if _, err := d.cashier.Deliver(ctx, m, more); err != nil && ctx.Err() == nil {
				d.log.Error("send webhooks", "merchant", m, "error", err)
				again = false // the books are in trouble; the next tick tries again
			}
			again = d.left(m, more, again)
		}
	})
}

// left reports whether there is more to be sent after all, and lets the merchant go if not.
func (d *deliverer) left(m pay.MerchantID, more chan struct{}, well bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-more:
		if well {
			return true
		}
	default:
	}
	delete(d.under, m)
	return false
}

// tried tells the staff's screens, and logs a try that failed. What it is about stands in the books.
func (d *deliverer) tried(w pay.Delivery, t pay.DeliveryTry) {
	d.dashboard.HistoryChanged(w.Merchant, w.Order)
	switch {
	case t.Trouble == "":
	case w.State == pay.DeliveryFailed:
		d.log.Error("webhook given up", "merchant", w.Merchant, "webhook", w.ID, "type", w.Type, "order", w.Order, "tries", w.Tries,
			"trouble", t.Trouble)
	default:
		d.log.Warn("webhook failed", "merchant", w.Merchant, "webhook", w.ID, "type", w.Type, "order", w.Order, "tries", w.Tries,
			"next", w.NextAt, "trouble", t.Trouble)
	}
}
