package pay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An HourFigures is what happened to a merchant's orders in one hour. Hours can be added up.
type HourFigures struct {
	// Of the orders made in the hour, how many were shown to a browser, and what has become of them by now.
	Orders, Shown, Paid, Expired, Cancelled int64

	// Of the hour itself, whenever the orders were made.
	Payments int64
	Takings  Fen
	Refunds  int64
	Refunded Fen // what WeChat Pay has taken to be given back

	// Waits are how many payments took so many seconds from the order to the payment.
	Waits map[int64]int64
}

// Add adds another hour's figures.
func (h *HourFigures) Add(other HourFigures) {
	h.Orders += other.Orders
	h.Shown += other.Shown
	h.Paid += other.Paid
	h.Expired += other.Expired
	h.Cancelled += other.Cancelled
	h.Payments += other.Payments
	h.Takings += other.Takings
	h.Refunds += other.Refunds
	h.Refunded += other.Refunded
	for seconds, n := range other.Waits {
		if h.Waits == nil {
			h.Waits = make(map[int64]int64)
		}
		h.Waits[seconds] += n
	}
}

// MedianWait is how long half of the payments took at most, and false without payments.
func (h *HourFigures) MedianWait() (time.Duration, bool) {
	var all, seen int64
	seconds := make([]int64, 0, len(h.Waits))
	for s, n := range h.Waits {
		seconds = append(seconds, s)
		all += n
	}
	slices.Sort(seconds)
	for _, s := range seconds {
		if seen += h.Waits[s]; 2*seen >= all {
			return time.Duration(s) * time.Second, true
		}
	}
	return 0, false
}

// FiguresTx computes figures.
type FiguresTx interface {
	// HourFigures returns the figures of a span by hours since 1970. Hours in which nothing happened are left out.
	HourFigures(ctx context.Context, m MerchantID, from, to time.Time) (map[int64]*HourFigures, error)
}

// Figures keep what was computed, hour by hour, so that a page of a month of a million orders costs the few hours in
// which something has changed. What an hour holds is never added to, always computed anew: no error can pile up.
type Figures struct {
	Store Store
	Now   func() time.Time

	mu    sync.Mutex
	shops map[MerchantID]map[int64]*keptHour
}

// A keptHour is an hour as it was computed. Changes and readings are counted, so that what changes while it is being
// computed is computed once more.
type keptHour struct {
	HourFigures
	at            time.Time // when it was computed
	changes, read int64
}

// trust is how long an hour's figures hold without news. News comes from this process alone, so they are computed anew
// now and then; the older the hour, the less is likely to change by another's doing.
func trust(age time.Duration) time.Duration { return max(age/20, time.Second) }

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

func hourStart(hour int64) time.Time { return time.Unix(hour*3600, 0) }

// Changed takes note that an order has changed. It is called after the commit and does not wait.
func (f *Figures) Changed(o Order) {
	hours := []int64{hourOf(o.CreatedAt), hourOf(f.Now())}
	if !o.PaidAt.IsZero() {
		hours = append(hours, hourOf(o.PaidAt))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range hours {
		if k := f.shops[o.Merchant][h]; k != nil {
			k.changes++
		}
	}
}

// Hours returns the figures of every hour of a span, which begins with an hour.
func (f *Figures) Hours(ctx context.Context, m MerchantID, from, to time.Time) ([]HourFigures, error) {
	first, end := hourOf(from), hourOf(to.Add(time.Hour-1))
	for begin, stop := range f.unknown(m, first, end) {
		if err := f.compute(ctx, m, begin, stop); err != nil {
			return nil, fmt.Errorf("figures of %s: %w", m, err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]HourFigures, 0, end-first)
	for h := first; h < end; h++ {
		var hour HourFigures // none of those that are too old to be kept
		if k := f.shops[m][h]; k != nil {
			hour = k.HourFigures
		}
		list = append(list, hour)
	}
	return list, nil
}

// Sum adds the figures of a span up. It begins with an hour; it may end within one, which is then computed to the
// millisecond.
func (f *Figures) Sum(ctx context.Context, m MerchantID, from, to time.Time) (sum HourFigures, err error) {
	whole := hourStart(hourOf(to))
	hours, err := f.Hours(ctx, m, from, whole)
	if err != nil {
		return sum, err
	}
	for _, h := range hours {
		sum.Add(h)
	}
	if !whole.Before(to) {
		return sum, nil
	}
	err = f.Store.View(ctx, func(tx Tx) error {
		rest, err := tx.HourFigures(ctx, m, whole, to)
		for _, h := range rest {
			sum.Add(*h)
		}
		return err
	})
	if err != nil {
		return sum, fmt.Errorf("figures of %s: %w", m, err)
	}
	return sum, nil
}

// unknown returns the runs of hours, from and to, that must be computed.
func (f *Figures) unknown(m MerchantID, first, end int64) map[int64]int64 {
	now := f.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shops == nil {
		f.shops = make(map[MerchantID]map[int64]*keptHour)
	}
	if f.shops[m] == nil {
		f.shops[m] = make(map[int64]*keptHour)
	}
	runs := make(map[int64]int64)
	begin := int64(-1)
	for h := first; h < end; h++ {
		k := f.shops[m][h]
		if k == nil {
			k = &keptHour{}
			f.shops[m][h] = k
		}
		good := !k.at.IsZero() && k.read == k.changes && now.Sub(k.at) < trust(now.Sub(hourStart(h+1))) && !now.Before(k.at)
		switch {
		case good:
			begin = -1
		case begin < 0:
			begin = h
			fallthrough
		default:
			runs[begin] = h + 1
		}
	}
	f.forget(m, now)
	return runs
}

// figuresKept is how far back hours are kept: what pages show, and some days.
const figuresKept = 40 * 24 * time.Hour

// forget drops hours that no page shows any more. The caller holds mu.
func (f *Figures) forget(m MerchantID, now time.Time) {
	oldest := hourOf(now.Add(-figuresKept))
	for h := range f.shops[m] {
		if h < oldest {
			delete(f.shops[m], h)
		}
	}
}

func (f *Figures) compute(ctx context.Context, m MerchantID, first, end int64) error {
	now := f.Now()
	changes := make(map[int64]int64, end-first)
	f.mu.Lock()
	for h := first; h < end; h++ {
		if k := f.shops[m][h]; k != nil {
			changes[h] = k.changes
		}
	}
	f.mu.Unlock()
	var found map[int64]*HourFigures
	err := f.Store.View(ctx, func(tx Tx) (err error) {
		found, err = tx.HourFigures(ctx, m, hourStart(first), hourStart(end))
		return err
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for h := first; h < end; h++ {
		k := f.shops[m][h]
		if k == nil {
			continue // forgotten meanwhile
		}
		k.HourFigures = HourFigures{}
		if found[h] != nil {
			k.HourFigures = *found[h]
		}
		k.at, k.read = now, changes[h]
	}
	return nil
}
