package pay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A BackOffice looks after the staff: who they are, who is signed in, and what they did. Its fields are set once,
// before its first use.
type BackOffice struct {
	Store     Store
	Passwords Passwords
	Now       func() time.Time
	NewName   func() string // as a [Cashier]'s
	NewToken  func() Token  // likewise
}

// Passwords turns passwords into what may be stored. Both take long on purpose.
type Passwords interface {
	Hash(password string) (string, error)
	// Verify reports whether the hash is of the password. With an empty hash it works as long and reports false.
	Verify(hash, password string) bool
}

// A NewStaff asks for a member of the staff.
type NewStaff struct {
	Merchant    MerchantID
	Name        string // as typed
	Role        Role
	Password    string
	Provisional bool // somebody else than the person chose the password
}

// AddStaff makes a member of the staff.
func (b *BackOffice) AddStaff(ctx context.Context, n NewStaff, by Actor) (Staff, error) {
	name, err := StaffName(n.Name)
	if err == nil {
		err = checkRole(n.Role)
	}
	if err != nil {
		return Staff{}, err
	}
	hash, err := b.hash(name, n.Password)
	if err != nil {
		return Staff{}, err
	}
	s := Staff{
		ID: StaffID("stf_" + b.NewName()), Merchant: n.Merchant, Name: name, Role: n.Role, PasswordHash: hash,
		Provisional: n.Provisional, CreatedAt: b.Now(),
	}
	by.Merchant = n.Merchant
	err = b.Store.Update(ctx, func(tx Tx) error {
		if _, err := tx.StaffByName(ctx, name); err == nil {
			// Also when another merchant has it: names are what people sign in with.
			return invalidField("name", "is taken; choose another")
		} else if !errors.Is(err, ErrNoRow) {
			return err
		}
		if err := tx.InsertStaff(ctx, s); err != nil {
			return err
		}
		return b.log(ctx, tx, by, StaffAdded, name, map[string]string{"role": string(n.Role)})
	})
	if err != nil {
		return Staff{}, fmt.Errorf("add %s to the staff: %w", name, err)
	}
	return s, nil
}

func checkRole(r Role) error {
	if !slices.Contains(Roles(), r) {
		return invalidField("role", "must be owner, cashier or accountant")
	}
	return nil
}

func (b *BackOffice) hash(name, password string) (string, error) {
	if err := checkPassword(name, password); err != nil {
		return "", err
	}
	hash, err := b.Passwords.Hash(password)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// Staff lists a merchant's staff by name.
func (b *BackOffice) Staff(ctx context.Context, m MerchantID) (list []Staff, err error) {
	err = b.Store.View(ctx, func(tx Tx) error {
		list, err = tx.StaffOf(ctx, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the staff of %s: %w", m, err)
	}
	return list, nil
}

// SetRole gives a member of the actor's merchant another role.
func (b *BackOffice) SetRole(ctx context.Context, id StaffID, r Role, by Actor) error {
	if err := checkRole(r); err != nil {
		return err
	}
	return b.change(ctx, id, by, RoleChanged, map[string]string{"role": string(r)}, func(s *Staff) { s.Role = r })
}

// SetDisabled bars a member of the actor's merchant, or lets them in again. Who is barred is signed out.
func (b *BackOffice) SetDisabled(ctx context.Context, id StaffID, disabled bool, by Actor) error {
	action := StaffEnabled
	if disabled {
		action = StaffDisabled
	}
	return b.change(ctx, id, by, action, nil, func(s *Staff) { s.Disabled = disabled })
}

// ResetPassword gives a member of the actor's merchant a password that they must change.
func (b *BackOffice) ResetPassword(ctx context.Context, id StaffID, password string, by Actor) error {
	hash, err := b.hash("\x00", password) // not chosen by a person: it need not be compared with the name
	if err != nil {
		return err
	}
	return b.change(ctx, id, by, PasswordReset, nil, func(s *Staff) { s.PasswordHash, s.Provisional = hash, true })
}

// RemoveStaff forgets a member of the actor's merchant. The log keeps what they did.
func (b *BackOffice) RemoveStaff(ctx context.Context, id StaffID, by Actor) error {
	err := b.Store.Update(ctx, func(tx Tx) error {
		s, err := ownStaff(ctx, tx, id, by.Merchant)
		if err != nil {
			return err
		}
		if err := tx.EndSessions(ctx, id); err != nil {
			return err
		}
		if err := tx.DeleteStaff(ctx, id); err != nil {
			return err
		}
		return b.log(ctx, tx, by, StaffRemoved, s.Name, nil)
	})
	if err != nil {
		return fmt.Errorf("remove %s from the staff: %w", id, err)
	}
	return nil
}

// change changes a member of the actor's merchant and ends their sessions, but never leaves a merchant without an
// owner who can sign in.
func (b *BackOffice) change(ctx context.Context, id StaffID, by Actor, a Action, detail map[string]string, f func(*Staff)) error {
	err := b.Store.Update(ctx, func(tx Tx) error {
		s, err := ownStaff(ctx, tx, id, by.Merchant)
		if err != nil {
			return err
		}
		f(&s)
		if err := tx.UpdateStaff(ctx, s); err != nil {
			return err
		}
		all, err := tx.StaffOf(ctx, by.Merchant)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(s Staff) bool { return s.Role == RoleOwner && !s.Disabled }) {
			return &Error{Code: Conflict, Message: "a shop needs an owner who can sign in"}
		}
		if err := tx.EndSessions(ctx, id); err != nil {
			return err
		}
		if err := tx.ForgetTries(ctx, accountSubject(s.Name)); err != nil {
			return err
		}
		return b.log(ctx, tx, by, a, s.Name, detail)
	})
	if err != nil {
		return fmt.Errorf("%s of %s: %w", a, id, err)
	}
	return nil
}

// ownStaff reads a member of the merchant's staff. Another's is as unknown as none.
func ownStaff(ctx context.Context, tx StaffTx, id StaffID, m MerchantID) (Staff, error) {
	s, err := tx.Staff(ctx, id)
	if errors.Is(err, ErrNoRow) || err == nil && s.Merchant != m {
		return Staff{}, &Error{Code: NotFound, Message: "no such member of the staff", Err: err}
	}
	return s, err
}
