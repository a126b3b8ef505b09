package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/oklog/ulid/v2"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// cafe is the merchant of the simulator's merchant.toml.
const cafe = pay.MerchantID("cafe")

func (s *shop) database() string { return filepath.Join(s.dir, "saoma.db") }

// A mute gateway is a WeChat Pay that agrees to everything at once, to fill books.
type mute struct{ pay.Gateway }

func (mute) Compose(p pay.Prepay) ([]byte, error) {
	return fmt.Appendf(nil, `{"out_trade_no":%q,"amount":{"total":%d,"currency":"CNY"},"description":%q}`, p.OutTradeNo, p.Total, p.Description), nil
}

func (mute) Prepay(_ context.Context, _ pay.MerchantID, _ pay.Channel, _ []byte) (string, error) {
	return "weixin://wxpay/bizpayurl?pr=" + rand.Text()[:9], nil
}

func (mute) Query(context.Context, pay.MerchantID, string) (pay.Trade, error) {
	return pay.Trade{State: pay.TradeNotPaid}, nil
}

func (mute) Close(context.Context, pay.MerchantID, string) error { return nil }

// cashierAt is one whose time stands still.
func cashierAt(books pay.Store, at time.Time) *pay.Cashier {
	return &pay.Cashier{
		Store: books, Gateway: mute{}, Now: func() time.Time { return at },
		Merchants: pay.NewMerchants([]pay.Merchant{{ID: cafe, Name: "街角咖啡", MchID: "1900000001", AppID: "wx1"}}),
		NewName:   func() string { return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String() },
		NewToken:  func() pay.Token { return pay.Token(rand.Text()) },
	}
}

// openOrders fills books with orders that nobody has paid yet, and returns their tokens.
func openOrders(ctx context.Context, file string, n int) (tokens []string, err error) {
	books, err := store.OpenSQLite(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	tokens = make([]string, n)
	at := time.Now().Add(time.Hour) // the sweep shall not look at them meanwhile
	return tokens, together(ctx, n, 512, func(ctx context.Context, i int) error {
		o, err := cashierAt(books, at).CreateOrder(ctx, newOrder(i))
		tokens[i] = string(o.Token)
		return err
	})
}

// putOff has the sweep look at open orders an hour later.
func putOff(ctx context.Context, driver, database string) (err error) {
	db, err := sql.Open(driver, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `UPDATE attempts SET check_at = check_at + 3600000 WHERE state = 'open'`)
	return err
}

func newOrder(i int) pay.NewOrder {
	return pay.NewOrder{
		Merchant: cafe, Amount: pay.Fen(100 + i*37%20_000), Description: "拿铁 大杯",
		Reference: fmt.Sprintf("R%07d", i), ExpiresIn: pay.ExpiresInMax,
	}
}

// bookSpan is over how many days the orders of the large books are spread.
const bookSpan = 60 * 24 * time.Hour

// largeBooks returns a file with many orders of the last sixty days, of which nine in ten are paid. They are made by
// the domain as any order is. They are kept for a day, for what they hold must reach until now.
func (b *bench) largeBooks(ctx context.Context) (file string, err error) {
	file = filepath.Join(b.dir, fmt.Sprintf("books-%d.db", b.count))
	if i, err := os.Stat(file); err == nil && time.Since(i.ModTime()) < 24*time.Hour {
		return file, nil
	}
	fresh := file + ".new"
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(fresh + part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	fmt.Fprintf(os.Stderr, "making books of %d orders …\n", b.count)
	began := time.Now()
	if err := b.fill(ctx, fresh); err != nil {
		return "", fmt.Errorf("make large books: %w", err)
	}
	fmt.Fprintf(os.Stderr, "made in %.0f s\n", time.Since(began).Seconds())
	return file, os.Rename(fresh, file)
}

func (b *bench) fill(ctx context.Context, file string) (err error) {
	books, err := store.OpenSQLite(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	now := time.Now()
	begin := now.Add(-bookSpan)
	step := bookSpan / time.Duration(b.count)
	if err := together(ctx, b.count, 256*runtime.NumCPU(), func(ctx context.Context, i int) error {
		return fillOne(ctx, books, i, begin.Add(time.Duration(i)*step))
	}); err != nil {
		return err
	}
	_, err = cashierAt(books, now).SealDays(ctx)
	return err
}

// fillOne makes an order and ends it: paid, or in one of ten cases cancelled.
func fillOne(ctx context.Context, books pay.Store, i int, at time.Time) error {
	c := cashierAt(books, at)
	o, err := c.CreateOrder(ctx, newOrder(i))
	if err != nil {
		return err
	}
	c.Now = func() time.Time { return at.Add(time.Duration(5+i%50) * time.Second) }
	if i%10 == 0 {
		_, err := c.Cancel(ctx, o.ID)
		return err
	}
	number, err := attemptOf(ctx, books, o.ID)
	if err != nil {
		return err
	}
	_, err = c.Settle(ctx, pay.Notice{
		Merchant: cafe, Source: pay.FromCallback, MchID: "1900000001", AppID: "wx1", OutTradeNo: number,
		TransactionID: fmt.Sprintf("42%026d", i), Total: o.Total, Currency: pay.Currency, PaidAt: c.Now(),
	})
	return err
}

func attemptOf(ctx context.Context, books pay.Store, id pay.OrderID) (number string, err error) {
	err = books.View(ctx, func(tx pay.Tx) error {
		a, err := tx.LiveAttempt(ctx, id)
		number = a.OutTradeNo
		return err
	})
	return number, err
}
