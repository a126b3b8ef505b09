package pay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An Event is one thing that happened to an order. Events are only ever appended, and each holds the hash of
// the one before it for the same order: to alter one unseen, all after it would have to be altered too.
type Event struct {
	Order   OrderID
	Number  int64 // 1, 2, 3, … within the order
	Version int64 // of the order after the event
	Kind    Kind
	At      time.Time         // to the millisecond, as it is stored
	Detail  map[string]string // what an operator wants to read: numbers, source, amounts; never secrets
	Prev    string            // Hash of the event before it, "" for the first
	Hash    string            // SHA-256, hex
}

// sum is the hash that an event must have.
func (e Event) sum() string {
	// A list has one encoding only; maps are encoded in the order of their keys.
	text, _ := json.Marshal([]any{e.Prev, e.Order, e.Number, e.Version, e.Kind, e.At.UnixMilli(), e.Detail})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// record appends an event to its order's chain.
func record(ctx context.Context, tx EventTx, e Event) error {
	number, hash, err := tx.LastEvent(ctx, e.Order)
	if err != nil {
		return err
	}
	e.Number, e.Prev = number+1, hash
	return appendHashed(ctx, tx, e)
}

// recordFirst appends the event that an order begins with.
func recordFirst(ctx context.Context, tx EventTx, e Event) error {
	e.Number = 1
	return appendHashed(ctx, tx, e)
}

func appendHashed(ctx context.Context, tx EventTx, e Event) error {
	e.At = e.At.Truncate(time.Millisecond)
	e.Hash = e.sum()
	return tx.AppendEvent(ctx, e)
}

// A Root seals all events of a Beijing day.
type Root struct {
	Day    string // 2026-11-23
	Prev   string // Hash of the root before it, "" for the first
	Hash   string
	Events int64
}

// beijing is the zone of WeChat Pay's days. China has no summer time.
func beijing() *time.Location { return time.FixedZone("UTC+8", 8*60*60) }

// dayOf returns the Beijing day of a moment, and when it begins and ends.
func dayOf(t time.Time) (name string, begin, end time.Time) {
	t = t.In(beijing())
	begin = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	return begin.Format(time.DateOnly), begin, begin.AddDate(0, 0, 1)
}

// SealDays writes the roots of all days that have ended and have none yet, and returns them. It waits some
// minutes after midnight for transactions that began before it.
func (c *Cashier) SealDays(ctx context.Context) (sealed []Root, err error) {
	today, _, _ := dayOf(c.Now().Add(-SealAfter))
	err = c.Store.Update(ctx, func(tx Tx) error {
		sealed = nil
		last, begin, err := lastRoot(ctx, tx)
		if err != nil {
			return err
		}
		for !begin.IsZero() {
			day, _, end := dayOf(begin)
			if day >= today {
				return nil
			}
			if last, err = seal(ctx, tx, last.Hash, day, begin, end); err != nil {
				return err
			}
			if err := tx.InsertRoot(ctx, last); err != nil {
				return err
			}
			sealed = append(sealed, last)
			begin = end
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal the days that have ended: %w", err)
	}
	return sealed, nil
}

// lastRoot returns the newest root and the beginning of the day to seal next; zero if nothing happened yet.
func lastRoot(ctx context.Context, tx EventTx) (Root, time.Time, error) {
	roots, err := tx.Roots(ctx)
	if err != nil {
		return Root{}, time.Time{}, err
	}
	if n := len(roots); n > 0 {
		day, err := time.ParseInLocation(time.DateOnly, roots[n-1].Day, beijing())
		return roots[n-1], day.AddDate(0, 0, 1), err
	}
	first, err := tx.FirstEventAt(ctx)
	if errors.Is(err, ErrNoRow) {
		return Root{}, time.Time{}, nil
	}
	_, begin, _ := dayOf(first)
	return Root{}, begin, err
}

// seal computes the root of a day over the root before it.
func seal(ctx context.Context, tx EventTx, prev, day string, begin, end time.Time) (Root, error) {
	sum := sha256.New()
	sum.Write([]byte(prev))
	r := Root{Day: day, Prev: prev}
	err := tx.EachHash(ctx, begin, end, func(hash string) {
		r.Events++
		sum.Write([]byte(hash))
	})
	r.Hash = hex.EncodeToString(sum.Sum(nil))
	return r, err
}

// A Break is the first place where history is not what was recorded.
type Break struct {
	Order  OrderID // or, with no order, a day's root
	Number int64
	Day    string
	Reason string
}

func (b *Break) Error() string {
	if b.Order != "" {
		return fmt.Sprintf("event %d of %s: %s", b.Number, b.Order, b.Reason)
	}
	return fmt.Sprintf("root of %s: %s", b.Day, b.Reason)
}

// Verify walks all events and roots, counts them, and returns a [*Break] at the first that was altered,
// removed or put in.
func (c *Cashier) Verify(ctx context.Context) (events, days int64, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		var last Event
		if err := tx.EachEvent(ctx, func(e Event) error {
			if e.Order != last.Order {
				last = Event{Order: e.Order}
			}
			if reason := e.follows(last); reason != "" {
				return &Break{Order: e.Order, Number: e.Number, Reason: reason}
			}
			events++
			last = e
			return nil
		}); err != nil {
			return err
		}
		days, err = verifyRoots(ctx, tx)
		return err
	})
	if err != nil {
		return events, days, fmt.Errorf("verify the events: %w", err)
	}
	return events, days, nil
}

// VerifyRecent walks the events of a merchant's newest orders, at most so many ([ListMax]), as [Cashier.Verify] walks all.
func (c *Cashier) VerifyRecent(ctx context.Context, m MerchantID, orders int) (events int64, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err := tx.Orders(ctx, OrderFilter{Merchant: m, Limit: orders})
		if err != nil {
			return err
		}
		for _, o := range list {
			history, err := tx.Events(ctx, o.ID)
			if err != nil {
				return err
			}
			last := Event{Order: o.ID}
			for _, e := range history {
				if reason := e.follows(last); reason != "" {
					return &Break{Order: e.Order, Number: e.Number, Reason: reason}
				}
				events++
				last = e
			}
			if last.Version != o.Version {
				return &Break{Order: o.ID, Number: last.Number,
					Reason: fmt.Sprintf("is of version %d, and the order of version %d", last.Version, o.Version)}
			}
		}
		return nil
	})
	if err != nil {
		return events, fmt.Errorf("verify the newest events: %w", err)
	}
	return events, nil
}

// follows says why e cannot be the event after last, or returns "".
func (e Event) follows(last Event) string {
	switch {
	case e.Number != last.Number+1:
		return fmt.Sprintf("number %d follows number %d: an event is missing", e.Number, last.Number)
	case e.Prev != last.Hash:
		return "does not hold the hash of the event before it"
	case e.Hash != e.sum():
		return "was altered: its hash does not fit"
	}
	return ""
}

func verifyRoots(ctx context.Context, tx EventTx) (days int64, err error) {
	roots, err := tx.Roots(ctx)
	if err != nil {
		return 0, err
	}
	prev := ""
	for _, r := range roots {
		begin, err := time.ParseInLocation(time.DateOnly, r.Day, beijing())
		if err != nil {
			return days, &Break{Day: r.Day, Reason: "is no day"}
		}
		want, err := seal(ctx, tx, prev, r.Day, begin, begin.AddDate(0, 0, 1))
		if err != nil {
			return days, err
		}
		if r != want {
			return days, &Break{Day: r.Day, Reason: fmt.Sprintf("%d events are there, %d were sealed, or they differ", want.Events, r.Events)}
		}
		prev = r.Hash
		days++
	}
	return days, nil
}
