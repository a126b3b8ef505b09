package pay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Once makes a request that creates something safe to repeat: the same key with the same request names the same
// order or refund. Its zero value makes no promise.
type Once struct {
	Key     string // the caller's Idempotency-Key, at most OnceKeyMax bytes
	Request string // digest of all that was asked
}

const (
	// OnceKeyMax bounds a key, in bytes. OnceKept is how long a key is remembered.
	OnceKeyMax = 255
	OnceKept   = 24 * time.Hour
)

// OnceTx reads and writes keys.
type OnceTx interface {
	// OnceSubject returns what the key made and the digest of the request it was used for.
	OnceSubject(ctx context.Context, m MerchantID, key string) (subject, request string, err error)
	InsertOnce(ctx context.Context, m MerchantID, o Once, subject string, at time.Time) error
	// OnceAnswer returns what was answered, "" if nothing yet. SaveAnswer keeps the first answer.
	OnceAnswer(ctx context.Context, m MerchantID, key string) (answer string, err error)
	SaveAnswer(ctx context.Context, m MerchantID, key, answer string) error
	ForgetOnce(ctx context.Context, before time.Time) error
}

// made returns what an earlier request with the same key made, "" if there was none.
func (o Once) made(ctx context.Context, tx OnceTx, m MerchantID) (subject string, err error) {
	if o.Key == "" {
		return "", nil
	}
	subject, request, err := tx.OnceSubject(ctx, m, o.Key)
	switch {
	case errors.Is(err, ErrNoRow):
		return "", nil
	case err != nil:
		return "", err
	case request != o.Request:
		return "", &Error{Code: KeyReused, Message: "the Idempotency-Key was used for another request; take a new one"}
	}
	return subject, nil
}

// keep remembers what the key made, in the transaction that makes it.
func (o Once) keep(ctx context.Context, tx OnceTx, m MerchantID, subject string, at time.Time) error {
	if o.Key == "" {
		return nil
	}
	return tx.InsertOnce(ctx, m, o, subject, at)
}

// Answer returns the answer that was given to the same request before, "" if there was none. It refuses a key that
// was used for another request.
func (c *Cashier) Answer(ctx context.Context, m MerchantID, o Once) (answer string, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		subject, err := o.made(ctx, tx, m)
		if err != nil || subject == "" {
			return err
		}
		answer, err = tx.OnceAnswer(ctx, m, o.Key)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find the earlier answer: %w", err)
	}
	return answer, nil
}

// Remember remembers what a key made, for what is not made in one transaction of ours. Made twice it must be the same.
func (c *Cashier) Remember(ctx context.Context, m MerchantID, o Once, subject string) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		if made, err := o.made(ctx, tx, m); err != nil || made != "" {
			return err
		}
		return o.keep(ctx, tx, m, subject, c.Now())
	})
	if err != nil {
		return fmt.Errorf("remember what a key made: %w", err)
	}
	return nil
}

// KeepAnswer remembers the answer to a request, for its repeats.
func (c *Cashier) KeepAnswer(ctx context.Context, m MerchantID, o Once, answer string) error {
	err := c.Store.Update(ctx, func(tx Tx) error { return tx.SaveAnswer(ctx, m, o.Key, answer) })
	if err != nil {
		return fmt.Errorf("keep the answer: %w", err)
	}
	return nil
}

// ForgetKeys forgets keys that are older than OnceKept.
func (c *Cashier) ForgetKeys(ctx context.Context) error {
	err := c.Store.Update(ctx, func(tx Tx) error { return tx.ForgetOnce(ctx, c.Now().Add(-OnceKept)) })
	if err != nil {
		return fmt.Errorf("forget old keys: %w", err)
	}
	return nil
}
