package pay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Staff is one person who works for a merchant and may sign in to its dashboard.
type Staff struct {
	ID       StaffID
	Merchant MerchantID
	Name     string // what the person signs in with, as [StaffName] writes it; no two merchants have the same
	Role     Role

	// PasswordHash is what [Passwords] made of the password.
	PasswordHash string

	// Provisional says that somebody else knows the password: the person must change it before anything else.
	Provisional bool
	Disabled    bool // may not sign in
	CreatedAt   time.Time
	SignedInAt  time.Time // the last time; zero if never
}

// A StaffID names a member of the staff for good. A name may be given to somebody else one day.
type StaffID string

// A Role says what a member of the staff may do.
type Role string

// The roles.
const (
	RoleOwner      Role = "owner"
	RoleCashier    Role = "cashier" // at the counter
	RoleAccountant Role = "accountant"
)

// Roles lists every role, the mightiest first.
func Roles() []Role { return []Role{RoleOwner, RoleCashier, RoleAccountant} }

// A Permission is one thing that staff may or may not do.
type Permission string

// The permissions.
const (
	SeeOrders    Permission = "see orders"
	RefundOrders Permission = "refund orders"
	CancelOrders Permission = "cancel orders"
	SeeFigures   Permission = "see figures" // takings, success rate
	SeeReports   Permission = "see reports" // reconciliations, and what is exported for bookkeeping
	MakeReports  Permission = "make reports"
	SeeProducts  Permission = "see products"
	EditProducts Permission = "edit products"
	SeeWebhooks  Permission = "see webhooks"
	SendWebhooks Permission = "send webhooks" // again, or as a test
	SeeStaffLog  Permission = "see the staff log"
	ManageStaff  Permission = "manage staff"
	ManageKeys   Permission = "manage keys"
	SeeSettings  Permission = "see settings"
)

// rolePermissions says what each role may do. What is not listed is refused.
var rolePermissions = map[Role][]Permission{
	RoleOwner: {SeeOrders, RefundOrders, CancelOrders, SeeFigures, SeeReports, MakeReports, SeeProducts, EditProducts, SeeWebhooks,
		SendWebhooks, SeeStaffLog, ManageStaff, ManageKeys, SeeSettings},
	RoleCashier:    {SeeOrders, RefundOrders, CancelOrders, SeeProducts},
	RoleAccountant: {SeeOrders, SeeFigures, SeeReports, MakeReports, SeeProducts},
}

// May reports whether the role permits something.
func (r Role) May(p Permission) bool { return slices.Contains(rolePermissions[r], p) }

// Bounds of names and passwords.
const (
	StaffNameMax = 64 // characters

	// PasswordMin is in characters, by NIST SP 800-63B (8 at least). PasswordMax, in bytes, only bounds the work.
	PasswordMin = 10
	PasswordMax = 256
)

// StaffName returns a name as it is stored and compared, or [Invalid].
func StaffName(typed string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(typed))
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-+@", r)
	}
	if name == "" || utf8.RuneCountInString(name) > StaffNameMax || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return "", invalidField("name", fmt.Sprintf("must be 1 to %d letters, digits and . _ - + @", StaffNameMax))
	}
	return name, nil
}

// checkPassword refuses what can be guessed at once. Nothing is demanded of the characters: that makes passwords no
// better (NIST SP 800-63B §3.1.1.2).
func checkPassword(name, password string) error {
	distinct := make(map[rune]bool)
	for _, r := range password {
		distinct[r] = true
	}
	switch {
	case utf8.RuneCountInString(password) < PasswordMin:
		return invalidField("password", fmt.Sprintf("must have at least %d characters", PasswordMin))
	case len(password) > PasswordMax:
		return invalidField("password", fmt.Sprintf("must have at most %d bytes", PasswordMax))
	case len(distinct) < 4 || strings.Contains(strings.ToLower(password), name):
		return invalidField("password", "is too easy to guess")
	}
	return nil
}

func invalidField(name, message string) error {
	var f fields
	f.add(name, message)
	return f.err()
}

// StaffTx reads and writes staff.
type StaffTx interface {
	Staff(context.Context, StaffID) (Staff, error)
	StaffByName(ctx context.Context, name string) (Staff, error)
	StaffOf(context.Context, MerchantID) ([]Staff, error) // by name
	InsertStaff(context.Context, Staff) error
	UpdateStaff(context.Context, Staff) error
	DeleteStaff(context.Context, StaffID) error
}
