package pay

import (
	"context"
	"fmt"
	"time"
)

// An Echo is a callback of a merchant's self-test at WeChat Pay (POST /v3/security/echo, doc 4014551946): proof that
// callbacks reach us. Its signature was good. Whoever asked for it, maybe another process, finds it in the books.
type Echo struct {
	Merchant MerchantID
	Message  string // what the self-test was told to say; empty if it could not be read
	Trouble  string // why it could not be read; empty if all is well
	At       time.Time
}

// EchoTx keeps the echoes of the last hour.
type EchoTx interface {
	// Echo returns the echo of a message, or of the last that could not be read; its zero value if there is none.
	Echo(ctx context.Context, m MerchantID, message string) (Echo, error)
	PutEcho(context.Context, Echo) error
	ForgetEchoes(ctx context.Context, m MerchantID, before time.Time) error
}

// HearEcho books an echo, now.
func (c *Cashier) HearEcho(ctx context.Context, e Echo) error {
	e.At = c.Now()
	err := c.Store.Update(ctx, func(tx Tx) error {
		if err := tx.ForgetEchoes(ctx, e.Merchant, e.At.Add(-EchoesKept)); err != nil {
			return err
		}
		return tx.PutEcho(ctx, e)
	})
	if err != nil {
		return fmt.Errorf("book an echo: %w", err)
	}
	return nil
}

// Echo returns the echo of a message, or of the last one that could not be read; its zero value if there is none.
func (c *Cashier) Echo(ctx context.Context, m MerchantID, message string) (e Echo, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		e, err = tx.Echo(ctx, m, message)
		return err
	})
	if err != nil {
		return Echo{}, fmt.Errorf("look for an echo: %w", err)
	}
	return e, nil
}

// EchoesKept is how long an echo can be found. WeChat Pay repeats one that was not answered for some three hours; nobody
// waits for so long.
const EchoesKept = time.Hour
