package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 123e6, time.UTC)

func order(n int) pay.Order {
	return pay.Order{
		ID: pay.OrderID(fmt.Sprintf("ord_%04d", n)), Merchant: "cafe", Token: pay.Token(fmt.Sprintf("token%04d", n)),
		State: pay.Created, Version: 1, Total: 1280, Description: "拿铁、'; DROP TABLE orders; --", Reference: "table-7",
		Items:    []pay.Item{{SKU: "latte", Name: "拿铁", Price: 1280, Quantity: 1}},
		Metadata: map[string]string{"桌": "7"}, Channel: pay.Native, ReturnURL: "https://shop.example/thanks",
		CreatedAt: noon.Add(time.Duration(n) * time.Second), ExpiresAt: noon.Add(15 * time.Minute),
	}
}

func attempt(o pay.Order, name string) pay.Attempt {
	return pay.Attempt{
		OutTradeNo: name, Order: o.ID, Merchant: o.Merchant, State: pay.AttemptRequested, MchID: "1900000001", Channel: pay.Native,
		AppID: "wx0000000000000001", Total: o.Total, Request: []byte(`{"amount":{"total":1280}}` + "\n"),
		CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt, CheckAt: o.CreatedAt.Add(25 * time.Second),
	}
}

func refund(a pay.Attempt) pay.Refund {
	return pay.Refund{
		ID: "R1", Order: a.Order, OutTradeNo: a.OutTradeNo, Merchant: a.Merchant, State: pay.RefundRequested, Amount: 80,
		Reason: "不要了", Reference: "r-1", Automatic: true, Request: []byte(`{"amount":{}}`), WeChatID: "5000", Trouble: "NOT_ENOUGH",
		CreatedAt: noon, DoneAt: noon.Add(time.Minute), AcceptedAt: noon.Add(time.Second), CheckAt: noon.Add(time.Hour), Checks: 3,
	}
}

func update(t *testing.T, s *store.Store, f func(context.Context, pay.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx pay.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func insert(t *testing.T, s *store.Store, orders ...pay.Order) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		for _, o := range orders {
			if err := tx.InsertOrder(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func testWhatIsWrittenIsRead(t *testing.T, d database) {
	s := d.open(t)
	o := order(1)
	a := attempt(o, "TRADE1")
	event := pay.Event{Order: o.ID, Number: 1, Version: 1, Kind: pay.Opened, At: noon, Detail: map[string]string{"total": "1280"}, Hash: "a1"}
	next := event
	next.Number, next.Prev, next.Hash = 2, "a1", "b2"
	r := refund(a)
	insert(t, s, o)
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		return errors.Join(tx.InsertAttempt(ctx, a), tx.AppendEvent(ctx, event), tx.AppendEvent(ctx, next), tx.InsertRefund(ctx, r))
	})

	// From another opening of the database: nothing lives in memory only.
	other := d.open(t)
	err := other.View(t.Context(), func(tx pay.Tx) error {
		for name, read := range map[string]func() (pay.Order, error){
			"by id":    func() (pay.Order, error) { return tx.Order(t.Context(), o.ID) },
			"by token": func() (pay.Order, error) { return tx.OrderByToken(t.Context(), o.Token) },
		} {
			if got, err := read(); err != nil || !reflect.DeepEqual(got, o) {
				t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, o)
			}
		}
		for name, read := range map[string]func() (pay.Attempt, error){
			"by number": func() (pay.Attempt, error) { return tx.Attempt(t.Context(), a.OutTradeNo) },
			"live":      func() (pay.Attempt, error) { return tx.LiveAttempt(t.Context(), o.ID) },
		} {
			if got, err := read(); err != nil || !reflect.DeepEqual(got, a) {
				t.Errorf("attempt %s:\n got %+v, %v\nwant %+v", name, got, err, a)
			}
		}
		got, err := tx.Events(t.Context(), o.ID)
		if want := []pay.Event{event, next}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("events: got %+v, %v; want %+v", got, err, want)
		}
		if number, hash, err := tx.LastEvent(t.Context(), o.ID); number != next.Number || hash != next.Hash || err != nil {
			t.Errorf("last event: got %d, %q, %v; want %+v", number, hash, err, next)
		}
		if number, hash, err := tx.LastEvent(t.Context(), "ord_none"); number != 0 || hash != "" || err != nil {
			t.Errorf("last event of none: got %d, %q, %v", number, hash, err)
		}
		if got, err := tx.Refund(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("refund:\n got %+v, %v\nwant %+v", got, err, r)
		}
		if got, err := tx.Refunds(t.Context(), o.ID); err != nil || !reflect.DeepEqual(got, []pay.Refund{r}) {
			t.Errorf("refunds: got %+v, %v; want one", got, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testTheCodeIsThatOfTheOpenAttempt(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	states := []struct {
		name  string
		state pay.AttemptState
		code  string
	}{
		{"A", pay.AttemptClosed, "weixin://wxpay/bizpayurl?pr=old"},
		{"B", pay.AttemptOpen, "weixin://wxpay/bizpayurl?pr=new"},
	}
	for _, st := range states {
		update(t, s, func(ctx context.Context, tx pay.Tx) error {
			a := attempt(o, st.name)
			a.State, a.PrepayResult = st.state, st.code
			return tx.InsertAttempt(ctx, a)
		})
	}
	err := s.View(t.Context(), func(tx pay.Tx) error {
		got, err := tx.Order(t.Context(), o.ID)
		if got.CodeURL != states[1].code {
			t.Errorf("prepay_result is %q; want that of the open attempt", got.CodeURL)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testMissingRows(t *testing.T, s *store.Store) {
	err := s.View(t.Context(), func(tx pay.Tx) error {
		ctx := t.Context()
		for name, read := range map[string]func() error{
			"order":   func() error { _, err := tx.Order(ctx, "ord_x"); return err },
			"token":   func() error { _, err := tx.OrderByToken(ctx, "x"); return err },
			"attempt": func() error { _, err := tx.Attempt(ctx, "x"); return err },
			"live":    func() error { _, err := tx.LiveAttempt(ctx, "ord_x"); return err },
			"product": func() error { _, err := tx.Product(ctx, "cafe", "x"); return err },
		} {
			if err := read(); !errors.Is(err, pay.ErrNoRow) {
				t.Errorf("%s: got %v; want ErrNoRow", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testUpdatesCompareAndSwap(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.InsertAttempt(ctx, attempt(o, "T")) })

	next := o
	next.State, next.Version = pay.Expired, 2
	update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.UpdateOrder(ctx, next) })
	stale := []func(context.Context, pay.Tx) error{
		func(ctx context.Context, tx pay.Tx) error { return tx.UpdateOrder(ctx, next) },
		func(ctx context.Context, tx pay.Tx) error {
			return tx.UpdateAttempt(ctx, attempt(o, "T"), pay.AttemptOpen)
		},
	}
	for i, f := range stale {
		err := s.Update(t.Context(), func(tx pay.Tx) error { return f(t.Context(), tx) })
		if !errors.Is(err, pay.ErrStale) {
			t.Errorf("update %d: got %v; want ErrStale", i, err)
		}
	}
}

// The database itself holds the rules that keep money right, whatever the code does.
func testTheDatabaseRefuses(t *testing.T, d database) {
	s := d.open(t)
	o := order(1)
	insert(t, s, o)
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		paid := attempt(o, "PAID")
		paid.State, paid.TransactionID = pay.AttemptPaid, "4200000001"
		return errors.Join(tx.InsertAttempt(ctx, attempt(o, "ONE")), tx.InsertAttempt(ctx, paid),
			tx.AppendEvent(ctx, pay.Event{Order: o.ID, Number: 1, Version: 1, Kind: pay.Opened, At: noon}),
			tx.InsertRoot(ctx, pay.Root{Day: "2026-11-23", Hash: "x", Events: 1}), tx.InsertRefund(ctx, refund(paid)))
	})
	raw := d.raw(t)
	for name, statement := range map[string]string{
		"a second live attempt": `INSERT INTO attempts SELECT 'TWO', order_id, merchant, 'open', mchid, appid, total, request,
			prepay_result, '', created_at, expires_at, check_at, checks, refunded, paid_at, billed, channel, payer, prepaid_at, sub_mchid FROM attempts WHERE out_trade_no = 'ONE'`,
		"one payment on two attempts": `INSERT INTO attempts SELECT 'TWO', order_id, merchant, state, mchid, appid, total, request,
			prepay_result, transaction_id, created_at, expires_at, check_at, checks, refunded, paid_at, billed, channel, payer, prepaid_at, sub_mchid FROM attempts WHERE out_trade_no = 'PAID'`,
		"a paid order without payment": `UPDATE orders SET state = 'paid'`,
		"a payment on an unpaid order": `UPDATE orders SET transaction_id = '42'`,
		"a refund above the total":     `UPDATE orders SET refunded = total + 1`,
		"a negative refund":            `UPDATE orders SET refunded = -1`,
		"an order for nothing":         `UPDATE orders SET total = 0`,
		"an unknown state":             `UPDATE orders SET state = 'lost'`,
		"a changed event":              `UPDATE events SET kind = 'succeeded'`,
		"a removed event":              `DELETE FROM events`,
		"two orders with the same token": `INSERT INTO orders (id, merchant, token, state, version, total, refunded,
			description, reference, items, metadata, channel, return_url, late, transaction_id, created_at, expires_at, paid_at)
			SELECT 'ord_2', merchant, token, state, version, total, refunded,
			description, reference, items, metadata, channel, return_url, late, transaction_id, created_at, expires_at, paid_at FROM orders`,
	} {
		_, err := raw.ExecContext(t.Context(), statement)
		if !d.refuses(err) {
			t.Errorf("%s: %v; want it refused by a constraint", name, err)
		}
	}
}

func testAFailedUpdateLeavesNothing(t *testing.T, s *store.Store) {
	broken := errors.New("broken")
	err := s.Update(t.Context(), func(tx pay.Tx) error {
		if err := tx.InsertOrder(t.Context(), order(1)); err != nil {
			t.Error(err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v; want the error of the function", err)
	}
	err = s.View(t.Context(), func(tx pay.Tx) error { _, err := tx.Order(t.Context(), order(1).ID); return err })
	if !errors.Is(err, pay.ErrNoRow) {
		t.Errorf("got %v; want nothing left behind", err)
	}
}

func testViewCannotWrite(t *testing.T, s *store.Store) {
	err := s.View(t.Context(), func(tx pay.Tx) error { return tx.InsertOrder(t.Context(), order(1)) })
	if err == nil {
		t.Error("a view wrote to the books")
	}
}

// Writers that read first and write then are what breaks a naive pool: they queue here.
func testManyWriters(t *testing.T, s *store.Store) {
	insert(t, s, order(1))
	const writers, each = 16, 8
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := s.Update(t.Context(), func(tx pay.Tx) error {
					o, err := tx.Order(t.Context(), order(1).ID)
					if err != nil {
						return err
					}
					o.Version++
					return tx.UpdateOrder(t.Context(), o)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	err := s.View(t.Context(), func(tx pay.Tx) error {
		o, err := tx.Order(t.Context(), order(1).ID)
		if want := int64(1 + writers*each); o.Version != want {
			t.Errorf("version %d after all; want %d", o.Version, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testClaimedOnce(t *testing.T, s *store.Store) {
	const n = 50
	for i := range n {
		o := order(i)
		insert(t, s, o)
		update(t, s, func(ctx context.Context, tx pay.Tx) error {
			a := attempt(o, fmt.Sprint("T", i))
			if i%10 == 0 {
				a.State = pay.AttemptClosed
			}
			return tx.InsertAttempt(ctx, a)
		})
	}
	now := noon.Add(time.Hour)
	due := func(at time.Time) (any bool) {
		t.Helper()
		err := s.View(t.Context(), func(tx pay.Tx) (err error) {
			any, err = tx.AnyDue(t.Context(), "cafe", at)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return any
	}
	if due(noon) || !due(now) {
		t.Error("what is due is not seen, or too early")
	}
	seen := make(map[string]bool)
	for {
		var claimed []pay.Attempt
		update(t, s, func(ctx context.Context, tx pay.Tx) (err error) {
			claimed, err = tx.ClaimAttempts(ctx, "cafe", now, now.Add(time.Minute), 7)
			return err
		})
		if len(claimed) == 0 {
			break
		}
		for _, a := range claimed {
			if seen[a.OutTradeNo] || !a.State.Live() {
				t.Errorf("claimed %s in state %s, seen before: %t", a.OutTradeNo, a.State, seen[a.OutTradeNo])
			}
			seen[a.OutTradeNo] = true
		}
	}
	if due(now) {
		t.Error("all is claimed, and yet something is due")
	}
	if want := n - n/10; len(seen) != want {
		t.Errorf("claimed %d attempts; want %d", len(seen), want)
	}
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		again, err := tx.ClaimAttempts(ctx, "cafe", now.Add(time.Minute), now.Add(2*time.Minute), n)
		if len(again) != len(seen) {
			t.Errorf("%d of %d claims ran out", len(again), len(seen))
		}
		return err
	})
}

func testListsAreFilteredAndPaged(t *testing.T, s *store.Store) {
	for i := range 5 {
		o := order(i)
		if i == 3 {
			o.Reference, o.State = "", pay.Expired
		}
		insert(t, s, o)
	}
	foreign := order(9)
	foreign.Merchant = "other"
	insert(t, s, foreign)

	for name, c := range map[string]struct {
		filter pay.OrderFilter
		want   []pay.OrderID
	}{
		"all, newest first": {pay.OrderFilter{Limit: 9}, []pay.OrderID{"ord_0004", "ord_0003", "ord_0002", "ord_0001", "ord_0000"}},
		"a page":            {pay.OrderFilter{Limit: 2, Before: "ord_0003"}, []pay.OrderID{"ord_0002", "ord_0001"}},
		"by state":          {pay.OrderFilter{Limit: 9, State: pay.Expired}, []pay.OrderID{"ord_0003"}},
		"by reference":      {pay.OrderFilter{Limit: 2, Reference: "table-7"}, []pay.OrderID{"ord_0004", "ord_0002"}},
		"by time":           {pay.OrderFilter{Limit: 9, CreatedAfter: noon.Add(3 * time.Second)}, []pay.OrderID{"ord_0004"}},
		"all at once": {pay.OrderFilter{Limit: 9, State: pay.Created, Reference: "table-7", CreatedAfter: noon, Before: "ord_0002"},
			[]pay.OrderID{"ord_0001"}},
	} {
		c.filter.Merchant = "cafe"
		err := s.View(t.Context(), func(tx pay.Tx) error {
			list, err := tx.Orders(t.Context(), c.filter)
			var got []pay.OrderID
			for _, o := range list {
				got = append(got, o.ID)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %v; want %v", name, got, c.want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	t.Parallel()
	s, file := open(t)
	insert(t, s, order(1)) // so that the log is there too
	for path, want := range map[string]os.FileMode{
		filepath.Dir(file): 0o700, file: 0o600, file + "-wal": 0o600, file + "-shm": 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o; want %o", filepath.Base(path), got, want)
		}
	}
}

func TestEveryCommitIsSynced(t *testing.T) {
	t.Parallel()
	s, file := open(t)
	insert(t, s, order(1))
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	var mode string
	if err := raw.QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal_mode is %q, %v; want wal", mode, err)
	}
	if level, err := s.SyncLevel(t.Context()); err != nil || level != 2 {
		t.Errorf("synchronous is %d, %v; want 2 (FULL)", level, err)
	}
}
