package pay

import (
	"context"
	"fmt"
	"time"
)

// An Echo is the last callback of a merchant's self-test at WeChat Pay (POST /v3/security/echo, doc 4014551946): proof
// that callbacks reach us. Its signature was good. Whoever asked for it, maybe another process, finds it in the books.
type Echo struct {
	Merchant MerchantID
	Message  string // what the self-test was told to say
	Trouble  string // why it could not be read; empty if all is well
	At       time.Time
}

// EchoTx keeps the last echo of each merchant.
type EchoTx interface {
	Echo(context.Context, MerchantID) (Echo, error)
	PutEcho(context.Context, Echo) error
}

// HearEcho books an echo, now.
func (c *Cashier) HearEcho(ctx context.Context, e Echo) error {
	e.At = c.Now()
	err := c.Store.Update(ctx, func(tx Tx) error { return tx.PutEcho(ctx, e) })
	if err != nil {
		return fmt.Errorf("book an echo: %w", err)
	}
	return nil
}

// LastEcho returns the last echo of a merchant; its zero value if there never was one.
func (c *Cashier) LastEcho(ctx context.Context, m MerchantID) (e Echo, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		e, err = tx.Echo(ctx, m)
		return err
	})
	if err != nil {
		return Echo{}, fmt.Errorf("look for an echo: %w", err)
	}
	return e, nil
}
