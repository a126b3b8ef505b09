package pay

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Bounds of guessing passwords.
const (
	// TriesFree are the failures of one account from one address before that address has to wait: a stranger who knows the
	// name locks out himself. TriesFreeAddress are those of one address with all accounts, which may be a whole shop's.
	TriesFree        = 5
	TriesFreeAddress = 20

	// TriesFreeAccount are the failures of one account from all addresses from which it has never signed in: for who has
	// many. Where its owner was let in within AddressKnown he is not held up by them.
	TriesFreeAccount = 30
	AddressKnown     = 90 * 24 * time.Hour

	// The wait doubles with each further failure, up to LockMax: whoever guesses has a hundred tries a day.
	LockMin = 30 * time.Second
	LockMax = 15 * time.Minute

	// TriesKept is how long failures are remembered after the last.
	TriesKept = 24 * time.Hour
)

// A SignInError says why somebody may not sign in, and no more than a stranger may know: whether the name exists,
// is disabled, or the password is wrong, looks the same.
type SignInError struct {
	Wait time.Duration // until the next try; 0: name or password is wrong
}

func (e *SignInError) Error() string {
	if e.Wait > 0 {
		return fmt.Sprintf("too many tries; wait %s", e.Wait.Round(time.Second))
	}
	return "the name or the password is wrong"
}

// Tries are the failed sign-ins of one account or one address.
type Tries struct {
	Failures int
	LastAt   time.Time
}

// wait returns how long after now the next try is allowed.
func (t Tries) wait(now time.Time, free int) time.Duration {
	if t.Failures < free {
		return 0
	}
	delay := LockMax
	if over := t.Failures - free; over < 8 {
		delay = min(LockMin<<over, LockMax)
	}
	return t.LastAt.Add(delay).Sub(now)
}

// knows reports whether the account has signed in at the address not too long ago.
func (t Tries) knows(now time.Time) bool {
	return !t.LastAt.IsZero() && now.Sub(t.LastAt) <= AddressKnown
}

// TriesTx counts failed sign-ins.
type TriesTx interface {
	// Tries returns none for a subject without failures. It is for transactions that go on to PutTries.
	Tries(ctx context.Context, subject string) (Tries, error)
	PutTries(ctx context.Context, subject string, t Tries) error
	// ForgetTries forgets those of a subject, and of all subjects that go on with a space after it.
	ForgetTries(ctx context.Context, subject string) error
	// ForgetOldTries keeps those of known subjects longer than others.
	ForgetOldTries(ctx context.Context, before, knownBefore time.Time) error
}

// KnownPrefix begins the subjects that are no failures: addresses at which an account has signed in, LastAt.
const KnownPrefix = "known "

// accountSubject counts by a digest: the names may be anything, and need not be kept.
func accountSubject(name string) string {
	d := DigestOf(name)
	return "account " + hex.EncodeToString(d[:16])
}

// addressSubject counts IPv6 addresses by their /64: whoever has one has all.
func addressSubject(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		prefix, _ := ip.Prefix(64) // of a valid IPv6 address there is one
		return "address " + prefix.String()
	}
	return "address " + address
}

// subjects are what a sign-in is counted by.
type subjects struct{ account, address, both, known string }

func subjectsOf(name, address string) subjects {
	s := subjects{account: accountSubject(name), address: addressSubject(address)}
	s.both = s.account + " " + s.address
	s.known = KnownPrefix + s.both
	return s
}

// SignIn lets a member of the staff in and returns the session's token, which is stored nowhere. It refuses with a
// [*SignInError].
//
// A try is counted before the password is looked at, so that a hundred at once are a hundred; success takes it back.
func (b *BackOffice) SignIn(ctx context.Context, typed, password, address string) (Token, Staff, error) {
	name, err := StaffName(typed)
	if err != nil {
		name = typed // no such name can exist, but it costs the same to find out
	}
	found, err := b.admit(ctx, name, address)
	if err != nil {
		return "", Staff{}, fmt.Errorf("sign in: %w", err)
	}
	if len(password) > PasswordMax {
		password = password[:PasswordMax] + "\x00" // longer than any; hashing it must not take longer either
	}
	if !b.Passwords.Verify(found.PasswordHash, password) || found.Disabled {
		err := &SignInError{}
		if logErr := b.logFailure(ctx, found, address); logErr != nil {
			return "", Staff{}, fmt.Errorf("sign in: %w", errors.Join(err, logErr))
		}
		return "", Staff{}, fmt.Errorf("sign in: %w", err)
	}
	token, err := b.begin(ctx, &found, address)
	if err != nil {
		return "", Staff{}, fmt.Errorf("sign in: %w", err)
	}
	return token, found, nil
}

// admit counts a try, refuses if there were too many, and finds the member of the staff: none with an unknown name.
func (b *BackOffice) admit(ctx context.Context, name, address string) (found Staff, err error) {
	now := b.Now()
	err = b.Store.Update(ctx, func(tx Tx) error {
		by := subjectsOf(name, address)
		known, err := tx.Tries(ctx, by.known)
		if err != nil {
			return err
		}
		if err := count(ctx, tx, by.both, TriesFree, now); err != nil {
			return err
		}
		if err := count(ctx, tx, by.address, TriesFreeAddress, now); err != nil {
			return err
		}
		if !known.knows(now) {
			if err := count(ctx, tx, by.account, TriesFreeAccount, now); err != nil {
				return err
			}
		}
		found, err = tx.StaffByName(ctx, name)
		if errors.Is(err, ErrNoRow) {
			return nil
		}
		return err
	})
	return found, err
}

func count(ctx context.Context, tx TriesTx, subject string, free int, now time.Time) error {
	t, err := tx.Tries(ctx, subject)
	if err != nil {
		return err
	}
	if now.Sub(t.LastAt) > TriesKept {
		t = Tries{}
	}
	if wait := t.wait(now, free); wait > 0 {
		return &SignInError{Wait: min(wait, LockMax)} // a clock that was set back must not lock for a year
	}
	return tx.PutTries(ctx, subject, Tries{Failures: t.Failures + 1, LastAt: now})
}

// logFailure tells the merchant that somebody tried a name of its staff. Unknown names are nobody's.
func (b *BackOffice) logFailure(ctx context.Context, s Staff, address string) error {
	if s.ID == "" {
		return nil
	}
	return b.Log(ctx, Actor{Staff: s.ID, Name: s.Name, Merchant: s.Merchant, Address: address}, SignInFailed, "", nil)
}

// begin makes a session and takes back the try that led to it.
func (b *BackOffice) begin(ctx context.Context, s *Staff, address string) (Token, error) {
	token, now := b.NewToken(), b.Now()
	err := b.Store.Update(ctx, func(tx Tx) error {
		fresh, err := tx.Staff(ctx, s.ID)
		if err != nil || fresh.PasswordHash != s.PasswordHash || fresh.Disabled {
			return errors.Join(err, &SignInError{}) // changed while the password was looked at
		}
		*s = fresh
		s.SignedInAt = now
		if err := tx.UpdateStaff(ctx, *s); err != nil {
			return err
		}
		if err := forgive(ctx, tx, s.Name, address, now); err != nil {
			return err
		}
		if err := tx.ForgetSessions(ctx, now.Add(-SessionMax), now.Add(-SessionIdle)); err != nil {
			return err
		}
		session := Session{Digest: DigestOf(string(token)), Staff: s.ID, CreatedAt: now, SeenAt: now}
		if err := tx.InsertSession(ctx, session); err != nil {
			return err
		}
		by := Actor{Staff: s.ID, Name: s.Name, Merchant: s.Merchant, Address: address}
		return b.log(ctx, tx, by, SignedIn, "", nil)
	})
	return token, err
}

// forgive clears the account at the address, which is known from now on, and takes one try off both alone: others may be
// guessing.
func forgive(ctx context.Context, tx TriesTx, name, address string, now time.Time) error {
	by := subjectsOf(name, address)
	if err := tx.ForgetTries(ctx, by.both); err != nil {
		return err
	}
	known, err := tx.Tries(ctx, by.known)
	if err != nil {
		return err
	}
	counted := []string{by.address}
	if !known.knows(now) {
		counted = append(counted, by.account)
	}
	if err := tx.PutTries(ctx, by.known, Tries{LastAt: now}); err != nil {
		return err
	}
	for _, subject := range counted {
		t, err := tx.Tries(ctx, subject)
		if err != nil {
			return err
		}
		t.Failures = max(t.Failures-1, 0)
		if err := tx.PutTries(ctx, subject, t); err != nil {
			return err
		}
	}
	return tx.ForgetOldTries(ctx, now.Add(-TriesKept), now.Add(-AddressKnown))
}
