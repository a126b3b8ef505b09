package main

import (
	"context"

	"saoma/backend/pay"
)

// seenMax bounds what waits to be recorded: a second's worth on a slow disk.
const seenMax = 4096

// A seenQueue records what customers saw of their orders, behind the pages and pushes, which never wait for it. What
// comes while it is full is left out: the history then lacks a line that nobody relies on.
type seenQueue chan seen

type seen struct {
	merchant pay.MerchantID
	order    pay.OrderID
	watchers int // that were told the final state; 0: the page was shown
}

func newSeenQueue() seenQueue { return make(seenQueue, seenMax) }

func (q seenQueue) shown(o pay.Order) { q.put(seen{merchant: o.Merchant, order: o.ID}) }

func (q seenQueue) pushed(o pay.Order, watchers int) {
	if watchers > 0 {
		q.put(seen{merchant: o.Merchant, order: o.ID, watchers: watchers})
	}
}

func (q seenQueue) put(s seen) {
	select {
	case q <- s:
	default:
	}
}

// recordSeen records what waits in the queue until ctx ends.
func (s *service) recordSeen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.seen:
			var err error
			if e.watchers > 0 {
				err = s.cashier.RecordPushed(ctx, e.order, e.watchers)
			} else {
				err = s.cashier.RecordShown(ctx, e.order)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Warn("record what was seen", "order", e.order, "error", err)
			}
			s.dashboard.HistoryChanged(e.merchant, e.order)
		}
	}
}
