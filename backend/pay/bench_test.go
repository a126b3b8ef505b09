package pay_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// A day's bill against the books, of which every row agrees: how many rows a second.
func BenchmarkReconcile(b *testing.B) {
	books, rows := manyPaid(b, 100_000)
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	c := &pay.Cashier{
		Store: books, Now: func() time.Time { return now.Add(24 * time.Hour) },
		Merchants: pay.NewMerchants([]pay.Merchant{{ID: shop, MchID: "1900000001", AppID: "wx1"}}), BillGateway: bill{rows: rows},
	}
	for b.Loop() {
		r, err := c.Reconcile(b.Context(), shop, "2026-11-24")
		if err != nil || r.Agreeing != int64(len(rows)) {
			b.Fatalf("%d of %d rows agree, %v", r.Agreeing, len(rows), err)
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// manyPaid makes books with n paid orders, and their bill.
func manyPaid(b *testing.B, n int) (*store.Store, []pay.BillRow) {
	b.Helper()
	books, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "saoma.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := books.Close(); err != nil {
			b.Error(err)
		}
	})
	at := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	rows := make([]pay.BillRow, n)
	err = books.Update(b.Context(), func(tx pay.Tx) error {
		for i := range n {
			name := fmt.Sprintf("T%025d", i)
			rows[i] = pay.BillRow{At: at, AppID: "wx1", MchID: "1900000001", TransactionID: name, OutTradeNo: name, Total: 1280}
			if err := insertPaid(b.Context(), tx, name, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return books, rows
}

func insertPaid(ctx context.Context, tx pay.Tx, name string, at time.Time) error {
	o := pay.Order{
		ID: pay.OrderID("ord_" + name), Merchant: shop, Token: pay.Token(name), State: pay.Paid, Version: 3, Total: 1280,
		TransactionID: name, CreatedAt: at, ExpiresAt: at, PaidAt: at,
	}
	if err := tx.InsertOrder(ctx, o); err != nil {
		return err
	}
	return tx.InsertAttempt(ctx, pay.Attempt{
		OutTradeNo: name, Order: o.ID, Merchant: shop, State: pay.AttemptPaid, MchID: "1900000001", AppID: "wx1", Total: 1280,
		Request: []byte("{}"), TransactionID: name, PaidAt: at, CreatedAt: at, ExpiresAt: at,
	})
}

// One check of the sweep (claim, query, verify, write down when next), the simulator's half included, with so many
// orders open beside those that are due. A quarter of an hour's life makes seven checks: 100,000 open orders need
// 780 a second.
func BenchmarkSweep(b *testing.B) {
	for _, open := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			p := openProcess(b)
			fillOpen(b, p, open)
			for b.Loop() {
				b.StopTimer()
				makeDue(b, p, dueAtOnce)
				b.StartTimer()
				if n, err := p.Sweep(b.Context(), "cafe"); n != dueAtOnce || err != nil {
					b.Fatalf("looked at %d, %v", n, err)
				}
			}
			b.ReportMetric(float64(dueAtOnce*b.N)/b.Elapsed().Seconds(), "checks/s")
			b.StopTimer()
		})
	}
}

const dueAtOnce = 500

// openProcess opens the program with a simulator of WeChat Pay and new books, until the benchmark ends.
func openProcess(b *testing.B) *process {
	b.Helper()
	merchants, err := smallMerchants()
	if err != nil {
		b.Fatal(err)
	}
	s, err := newSimulation(merchants, "sqlite:"+filepath.Join(b.TempDir(), "saoma.db"), b.TempDir(), 1, 0)
	if err != nil {
		b.Fatal(err)
	}
	p, err := s.open(0)
	if err != nil {
		b.Fatal(err)
	}
	p.undoes = false
	b.Cleanup(func() {
		if err := s.kill(); err != nil {
			b.Error(err)
		}
	})
	return p
}

// fillOpen makes n open attempts that are due much later.
func fillOpen(b *testing.B, p *process, n int) {
	b.Helper()
	later := time.Now().Add(time.Hour)
	err := p.Update(b.Context(), func(tx pay.Tx) error {
		for i := range n {
			name := fmt.Sprintf("T%025d", i)
			o := pay.Order{
				ID: pay.OrderID("ord_" + name), Merchant: "cafe", Token: pay.Token(name), State: pay.Pending, Version: 2,
				Total: 1280, CreatedAt: time.Now(), ExpiresAt: later,
			}
			if err := tx.InsertOrder(b.Context(), o); err != nil {
				return err
			}
			if err := tx.InsertAttempt(b.Context(), pay.Attempt{
				OutTradeNo: name, Order: o.ID, Merchant: "cafe", State: pay.AttemptOpen, MchID: "1900000001", AppID: "wx1",
				Total: 1280, Request: []byte("{}"), PrepayResult: "weixin://" + name, Channel: pay.Native, CreatedAt: time.Now(), PrepaidAt: time.Now(), ExpiresAt: later, CheckAt: later,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// makeDue makes n orders whose first check is due.
func makeDue(b *testing.B, p *process, n int) {
	b.Helper()
	p.skew = 0
	for i := range n {
		order := pay.NewOrder{Merchant: "cafe", Amount: 1280, Description: fmt.Sprint("tea ", i), ExpiresIn: 2 * time.Hour}
		if _, err := p.CreateOrder(b.Context(), order); err != nil {
			b.Fatal(err)
		}
	}
	p.skew = 6 * time.Second
}

// A payment settled in the books for good, with so many that are told of theirs at once.
func BenchmarkSettle(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			p := openProcess(b)
			p.Committed = nil
			fillOpen(b, p, b.N)
			b.ResetTimer()
			settleAll(b, p, b.N, callers)
			b.StopTimer()
		})
	}
}

// settleAll settles what fillOpen has made.
func settleAll(b *testing.B, p *process, n, callers int) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				name := fmt.Sprintf("T%025d", i)
				_, err := p.Settle(b.Context(), pay.Notice{
					Merchant: "cafe", Source: pay.FromCallback, MchID: "1900000001", AppID: "wx1", OutTradeNo: name,
					TransactionID: "4200" + name, Total: 1280, Currency: pay.Currency, PaidAt: time.Now(),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
