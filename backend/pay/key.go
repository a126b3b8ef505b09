package pay

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A SecretKey lets a merchant's server in, beside the key of the configuration, which cannot be changed here. The key
// itself is shown once, when it is made; the books have its digest only. Several may be valid at a time, so that
// servers can be moved from one to the next without a break.
type SecretKey struct {
	ID       KeyID
	Merchant MerchantID
	Name     string // for people: which server holds it
	Hint     string // the last characters of the key, for people
	Digest   Digest // of the whole key

	CreatedAt time.Time
	UsedAt    time.Time // when it was last used, up to KeyUsedEvery too early; zero: never
	ExpiresAt time.Time // zero: never
}

// A KeyID is the part of a key that names it and is no secret.
type KeyID string

// Valid reports whether the key opens anything at the given moment.
func (k SecretKey) Valid(now time.Time) bool { return k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt) }

const (
	keyPrefix  = "sk_"
	keyHint    = 4  // characters of the key that are kept
	KeyNameMax = 64 // characters

	// KeysMax bounds a merchant's valid keys: more than that is a program gone wild.
	KeysMax = 50

	// RollMax is how long the old key may stay valid beside the new one.
	RollMax = 7 * 24 * time.Hour

	// KeyUsedEvery bounds how often the use of a key is written down.
	KeyUsedEvery = time.Hour
)

// KeyTx reads and writes keys.
type KeyTx interface {
	Key(context.Context, KeyID) (SecretKey, error)
	Keys(context.Context, MerchantID) ([]SecretKey, error) // newest first
	InsertKey(context.Context, SecretKey) error
	// ExpireKey and UseKey change one time of a key.
	ExpireKey(ctx context.Context, id KeyID, at time.Time) error
	UseKey(ctx context.Context, id KeyID, at time.Time) error
}

// NewKey makes a key and returns it beside what is stored of it. It cannot be read again.
func (c *Cashier) NewKey(ctx context.Context, m MerchantID, name string) (secret string, k SecretKey, err error) {
	return c.NewKeyBy(ctx, m, name, Actor{})
}

// NewKeyBy is the same, in the name of somebody of the staff.
func (c *Cashier) NewKeyBy(ctx context.Context, m MerchantID, name string, by Actor) (secret string, k SecretKey, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		if secret, k, err = c.newKey(ctx, tx, m, name); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, KeyMade, k.Name, map[string]string{"key": string(k.ID)})
	})
	if err != nil {
		return "", SecretKey{}, fmt.Errorf("make a secret key: %w", err)
	}
	return secret, k, nil
}

func (c *Cashier) newKey(ctx context.Context, tx Tx, m MerchantID, name string) (secret string, k SecretKey, err error) {
	var f fields
	if name == "" {
		f.add("name", "is required")
	}
	checkText(&f, "name", name, KeyNameMax)
	if err := f.err(); err != nil {
		return "", k, err
	}
	now := c.Now()
	list, err := tx.Keys(ctx, m)
	if err != nil {
		return "", k, err
	}
	valid := 0
	for _, other := range list {
		if other.Valid(now) {
			valid++
		}
	}
	if valid >= KeysMax {
		return "", k, &Error{Code: Conflict, Message: fmt.Sprintf("there are %d valid keys already; revoke some", valid)}
	}
	id := c.NewName()
	secret = keyPrefix + id + "_" + string(c.NewToken())
	k = SecretKey{
		ID: KeyID(id), Merchant: m, Name: name, Hint: secret[len(secret)-keyHint:], Digest: DigestOf(secret), CreatedAt: now,
	}
	return secret, k, tx.InsertKey(ctx, k)
}

// RollKey makes a key in the place of another, which stays valid for a while: 0 to RollMax.
func (c *Cashier) RollKey(ctx context.Context, m MerchantID, id KeyID, overlap time.Duration) (secret string, k SecretKey, err error) {
	return c.RollKeyBy(ctx, m, id, overlap, Actor{})
}

// RollKeyBy is the same, in the name of somebody of the staff.
func (c *Cashier) RollKeyBy(ctx context.Context, m MerchantID, id KeyID, overlap time.Duration, by Actor,
) (secret string, k SecretKey, err error) {
	if overlap < 0 || overlap > RollMax {
		var f fields
		f.add("overlap", fmt.Sprintf("must be from 0 to %d hours", int(RollMax.Hours())))
		return "", k, fmt.Errorf("roll a secret key: %w", f.err())
	}
	err = c.Store.Update(ctx, func(tx Tx) error {
		old, err := c.expireKey(ctx, tx, m, id, c.Now().Add(overlap))
		if err != nil {
			return err
		}
		if secret, k, err = c.newKey(ctx, tx, m, old.Name); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, KeyRolled, k.Name, map[string]string{"key": string(k.ID), "old": string(id)})
	})
	if err != nil {
		return "", SecretKey{}, fmt.Errorf("roll a secret key: %w", err)
	}
	return secret, k, nil
}

// RevokeKey ends a key at once. To revoke it twice is no error.
func (c *Cashier) RevokeKey(ctx context.Context, m MerchantID, id KeyID) error {
	return c.RevokeKeyBy(ctx, m, id, Actor{})
}

// RevokeKeyBy is the same, in the name of somebody of the staff.
func (c *Cashier) RevokeKeyBy(ctx context.Context, m MerchantID, id KeyID, by Actor) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		k, err := c.expireKey(ctx, tx, m, id, c.Now())
		if CodeOf(err) == Conflict {
			return nil
		}
		if err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, KeyRevoked, k.Name, map[string]string{"key": string(k.ID)})
	})
	if err != nil {
		return fmt.Errorf("revoke a secret key: %w", err)
	}
	return nil
}

// expireKey ends a valid key of the merchant at the given moment, never later than it would have ended anyway.
func (c *Cashier) expireKey(ctx context.Context, tx Tx, m MerchantID, id KeyID, at time.Time) (SecretKey, error) {
	k, err := tx.Key(ctx, id)
	switch {
	case errors.Is(err, ErrNoRow), err == nil && k.Merchant != m:
		return k, &Error{Code: NotFound, Message: "no such key"}
	case err != nil:
		return k, err
	case !k.Valid(c.Now()):
		return k, &Error{Code: Conflict, Message: "the key is not valid any more"}
	case !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(at):
		return k, nil
	}
	return k, tx.ExpireKey(ctx, id, at)
}

// Keys returns a merchant's keys, newest first, also those that are not valid any more.
func (c *Cashier) Keys(ctx context.Context, m MerchantID) (list []SecretKey, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Keys(ctx, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list secret keys: %w", err)
	}
	return list, nil
}

// Authenticate returns the merchant that holds a secret key, or [Unauthorized]. A key names itself, so that finding
// it takes the same time however many there are; what is secret of it is compared in constant time.
func (c *Cashier) Authenticate(ctx context.Context, secret string) (Merchant, error) {
	if m, ok := c.Merchants.BySecretKey(secret); ok {
		return m, nil
	}
	unknown := &Error{Code: Unauthorized, Message: "no merchant has this secret key"}
	id, _, ok := strings.Cut(strings.TrimPrefix(secret, keyPrefix), "_")
	if !ok || !strings.HasPrefix(secret, keyPrefix) {
		return Merchant{}, unknown
	}
	var k SecretKey
	err := c.Store.View(ctx, func(tx Tx) (err error) {
		k, err = tx.Key(ctx, KeyID(id))
		return err
	})
	if err != nil && !errors.Is(err, ErrNoRow) {
		return Merchant{}, fmt.Errorf("look for a secret key: %w", err)
	}
	now, digest := c.Now(), DigestOf(secret)
	same := subtle.ConstantTimeCompare(k.Digest[:], digest[:]) == 1
	m, known := c.Merchants.ByID(k.Merchant)
	if err != nil || !same || !known || !k.Valid(now) {
		return Merchant{}, unknown
	}
	if age := now.Sub(k.UsedAt); age >= KeyUsedEvery {
		// To know when it was used is not worth refusing the call, for example because the disk is full.
		_ = c.Store.Update(ctx, func(tx Tx) error { return tx.UseKey(ctx, k.ID, now) })
	}
	return m, nil
}
