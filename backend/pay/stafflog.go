package pay

import (
	"context"
	"fmt"
	"time"
)

// An Actor is who does something, and from where. The zero Actor is nobody of the staff: the shop's server, a
// customer, or a rule.
type Actor struct {
	Staff    StaffID
	Name     string
	Merchant MerchantID
	Address  string // IP address of the browser; empty at the command line
}

// sign puts the actor's name into the detail of an order's event.
func (a Actor) sign(detail map[string]string) map[string]string {
	if a.Staff != "" {
		detail["staff"] = a.Name
	}
	return detail
}

// A StaffEntry is one thing that a member of the staff did. Entries are only ever appended.
type StaffEntry struct {
	ID       string // grows with time
	Merchant MerchantID
	At       time.Time
	Staff    StaffID // empty at the command line
	Name     string  // at that time
	Action   Action
	Subject  string            // what it was done to: an order, a member of the staff, a product, …
	Detail   map[string]string // what else is to be known: amounts, roles; never secrets
	Address  string
}

// An Action is what staff did.
type Action string

// The actions.
const (
	SignedIn        Action = "sign_in"
	SignInFailed    Action = "sign_in_failed"
	SignedOut       Action = "sign_out"
	PasswordChanged Action = "password_changed"

	RefundMade     Action = "refund"
	OrderCancelled Action = "cancel"

	StaffAdded    Action = "staff_added"
	StaffRemoved  Action = "staff_removed"
	StaffDisabled Action = "staff_disabled"
	StaffEnabled  Action = "staff_enabled"
	RoleChanged   Action = "role_changed"
	PasswordReset Action = "password_reset"

	ProductChanged Action = "product_changed"
	ProductRemoved Action = "product_removed"

	KeyMade    Action = "key_made"
	KeyRolled  Action = "key_rolled"
	KeyRevoked Action = "key_revoked"

	WebhookSent     Action = "webhook_sent"     // one again
	WebhooksSent    Action = "webhooks_sent"    // all again since a moment
	WebhookTested   Action = "webhook_tested"   // a test event
	WebhooksEnabled Action = "webhooks_enabled" // again, after they had stopped

	BillReconciled  Action = "reconciled"       // once more, by hand
	Exported        Action = "exported"         // took figures out as a file
	SettingsChecked Action = "settings_checked" // had the doctor look
)

// Actions lists every action.
func Actions() []Action {
	return []Action{SignedIn, SignInFailed, SignedOut, PasswordChanged, RefundMade, OrderCancelled, StaffAdded, StaffRemoved,
		StaffDisabled, StaffEnabled, RoleChanged, PasswordReset, ProductChanged, ProductRemoved, KeyMade, KeyRolled,
		KeyRevoked, WebhookSent, WebhooksSent, WebhookTested, WebhooksEnabled, BillReconciled, Exported, SettingsChecked}
}

// StaffLogTx appends to and reads the staff log.
type StaffLogTx interface {
	AppendStaffEntry(context.Context, StaffEntry) error
	// StaffEntries returns a merchant's entries, newest first, those older than before ("" for all).
	StaffEntries(ctx context.Context, m MerchantID, before string, limit int) ([]StaffEntry, error)
}

func entry(by Actor, id string, at time.Time, a Action, subject string, detail map[string]string) StaffEntry {
	return StaffEntry{
		ID: id, Merchant: by.Merchant, At: at, Staff: by.Staff, Name: by.Name, Action: a, Subject: subject, Detail: detail,
		Address: by.Address,
	}
}

// log appends an entry in the transaction that does what it tells of.
func (b *BackOffice) log(ctx context.Context, tx Tx, by Actor, a Action, subject string, detail map[string]string) error {
	return tx.AppendStaffEntry(ctx, entry(by, b.NewName(), b.Now(), a, subject, detail))
}

// logStaff is the same for what the cashier does for staff; nobody of the staff leaves no entry.
func (c *Cashier) logStaff(ctx context.Context, tx Tx, by Actor, a Action, subject string, detail map[string]string) error {
	if by.Staff == "" {
		return nil
	}
	return tx.AppendStaffEntry(ctx, entry(by, c.NewName(), c.Now(), a, subject, detail))
}

// Log appends an entry about what has been done elsewhere.
func (b *BackOffice) Log(ctx context.Context, by Actor, a Action, subject string, detail map[string]string) error {
	err := b.Store.Update(ctx, func(tx Tx) error { return b.log(ctx, tx, by, a, subject, detail) })
	if err != nil {
		return fmt.Errorf("log %s of %s: %w", a, by.Name, err)
	}
	return nil
}

// Entries returns a page of the merchant's staff log, newest first, and the cursor of the next, "" on the last.
func (b *BackOffice) Entries(ctx context.Context, m MerchantID, before string, limit int) (list []StaffEntry, next string, err error) {
	err = b.Store.View(ctx, func(tx Tx) error {
		list, err = tx.StaffEntries(ctx, m, before, limit+1) // one more tells whether there is a next page
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("read the staff log of %s: %w", m, err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, nil
}
