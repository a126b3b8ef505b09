package pay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Lives of a session.
const (
	SessionMax  = 12 * time.Hour // a long day in the shop
	SessionIdle = 2 * time.Hour

	// SessionTouch is how exactly the last use is known: not every page is worth a write.
	SessionTouch = time.Minute
)

// A Session is a browser in which a member of the staff is signed in.
type Session struct {
	Digest    Digest // of the token that the browser holds
	Staff     StaffID
	CreatedAt time.Time
	SeenAt    time.Time
}

func (s Session) over(now time.Time) bool {
	return now.Sub(s.CreatedAt) >= SessionMax || now.Sub(s.SeenAt) >= SessionIdle
}

// SessionTx reads and writes sessions.
type SessionTx interface {
	Session(context.Context, Digest) (Session, error)
	InsertSession(context.Context, Session) error
	TouchSession(ctx context.Context, d Digest, at time.Time) error
	EndSession(context.Context, Digest) error
	// EndSessions ends all of one person.
	EndSessions(context.Context, StaffID) error
	// ForgetSessions removes those that began, or were last used, before the times.
	ForgetSessions(ctx context.Context, began, seen time.Time) error
}

// ErrNoSession is returned, wrapped, where nobody is signed in any more.
var ErrNoSession = errors.New("not signed in")

// SignedIn returns who is signed in with the token.
func (b *BackOffice) SignedIn(ctx context.Context, t Token) (Staff, error) {
	now, digest := b.Now(), DigestOf(string(t))
	var s Staff
	var session Session
	err := b.Store.View(ctx, func(tx Tx) (err error) {
		if session, err = tx.Session(ctx, digest); err != nil {
			return err
		}
		s, err = tx.Staff(ctx, session.Staff)
		return err
	})
	switch {
	case errors.Is(err, ErrNoRow):
		return Staff{}, ErrNoSession
	case err != nil:
		return Staff{}, fmt.Errorf("find a session: %w", err)
	case session.over(now) || s.Disabled:
		return Staff{}, ErrNoSession
	case now.Sub(session.SeenAt) < SessionTouch:
		return s, nil
	}
	err = b.Store.Update(ctx, func(tx Tx) error { return tx.TouchSession(ctx, digest, now) })
	if err != nil && !errors.Is(err, ErrStale) { // ended in this moment
		return Staff{}, fmt.Errorf("touch a session: %w", err)
	}
	return s, nil
}

// SignOut ends the session.
func (b *BackOffice) SignOut(ctx context.Context, t Token, by Actor) error {
	err := b.Store.Update(ctx, func(tx Tx) error {
		if err := tx.EndSession(ctx, DigestOf(string(t))); err != nil {
			return err
		}
		return b.log(ctx, tx, by, SignedOut, "", nil)
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// ChangePassword changes the actor's own password, ends all sessions of theirs and begins a new one. A wrong old
// password counts as a failed sign-in.
func (b *BackOffice) ChangePassword(ctx context.Context, old, password string, by Actor) (Token, error) {
	s, err := b.admit(ctx, by.Name, by.Address)
	if err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	if !b.Passwords.Verify(s.PasswordHash, old) {
		return "", errors.Join(invalidField("old", "is not your password"), b.logFailure(ctx, s, by.Address))
	}
	if old == password {
		return "", invalidField("password", "must be another than before")
	}
	hash, err := b.hash(s.Name, password)
	if err != nil {
		return "", err
	}
	err = b.Store.Update(ctx, func(tx Tx) error {
		if s, err = ownStaff(ctx, tx, by.Staff, by.Merchant); err != nil {
			return err
		}
		s.PasswordHash, s.Provisional = hash, false
		if err := tx.UpdateStaff(ctx, s); err != nil {
			return err
		}
		if err := tx.EndSessions(ctx, s.ID); err != nil {
			return err
		}
		return b.log(ctx, tx, by, PasswordChanged, "", nil)
	})
	if err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	return b.begin(ctx, &s, by.Address)
}
