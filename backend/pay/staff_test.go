package pay_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server/dashboard"
)

// An office is a back office over the world's books, with the real hash.
func (w *world) office() *pay.BackOffice {
	return &pay.BackOffice{Store: w.Store, Passwords: dashboard.NewArgon2id(), Now: w.Now, NewName: w.NewName,
		NewToken: func() pay.Token { return pay.Token(fmt.Sprintf("session%08d", w.names.Add(1))) }}
}

const goodPassword = "correct horse 电池"

func hire(t *testing.T, b *pay.BackOffice, m pay.MerchantID, name string, r pay.Role) (pay.Staff, pay.Actor) {
	t.Helper()
	s, err := b.AddStaff(t.Context(), pay.NewStaff{Merchant: m, Name: name, Role: r, Password: goodPassword}, pay.Actor{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, pay.Actor{Staff: s.ID, Name: s.Name, Merchant: m, Address: "192.0.2.7"}
}

func wantRefusal(t *testing.T, err error, locked bool) {
	t.Helper()
	refusal, ok := errors.AsType[*pay.SignInError](err)
	if !ok || (refusal.Wait > 0) != locked {
		t.Errorf("refused with %v; want locked %t", err, locked)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	s, by := hire(t, b, shop, " Li@Cafe.Example ", pay.RoleOwner)
	if s.Name != "li@cafe.example" {
		t.Errorf("the name is %q", s.Name)
	}
	in := func() pay.Token {
		t.Helper()
		token, who, err := b.SignIn(t.Context(), "LI@cafe.example", goodPassword, "192.0.2.7")
		if err != nil || who.ID != s.ID {
			t.Fatalf("sign in: %v, %v", who, err)
		}
		return token
	}
	want := func(token pay.Token, signedIn bool) {
		t.Helper()
		who, err := b.SignedIn(t.Context(), token)
		if signedIn != (err == nil) || err != nil && !errors.Is(err, pay.ErrNoSession) || signedIn && who.ID != s.ID {
			t.Errorf("signed in as %q: %v; want %t", who.Name, err, signedIn)
		}
	}
	want("session00000000", false)
	first := in()
	want(first, true)
	if err := b.SignOut(t.Context(), first, by); err != nil {
		t.Fatal(err)
	}
	want(first, false)

	idle := in()
	w.ahead.Add(int64(pay.SessionIdle - time.Second))
	want(idle, true) // and counts as used
	w.ahead.Add(int64(pay.SessionIdle - time.Second))
	want(idle, true)
	w.ahead.Add(int64(pay.SessionIdle))
	want(idle, false)

	busy := in()
	for range int(pay.SessionMax/time.Hour) - 1 {
		w.ahead.Add(int64(time.Hour))
		want(busy, true)
	}
	w.ahead.Add(int64(time.Hour))
	want(busy, false)

	here, elsewhere := in(), in()
	fresh, err := b.ChangePassword(t.Context(), goodPassword, "another fine one", by)
	if err != nil {
		t.Fatal(err)
	}
	want(here, false)
	want(elsewhere, false)
	want(fresh, true)
	if _, _, err := b.SignIn(t.Context(), "li@cafe.example", goodPassword, "192.0.2.7"); err == nil {
		t.Error("the old password still opens")
	}
}

// Guessing is slowed down for known and unknown names alike, and nothing tells them apart.
func TestLockOut(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"li", "nobody"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.office()
			hire(t, b, shop, "li", pay.RoleOwner)
			try := func(address, password string) error {
				_, _, err := b.SignIn(t.Context(), name, password, address)
				return err
			}
			for range pay.TriesFree {
				wantRefusal(t, try("192.0.2.99", "wrong password"), false)
			}
			for wait := pay.LockMin; wait <= pay.LockMax; wait *= 2 {
				wantRefusal(t, try("192.0.2.99", goodPassword), true) // also with the right password
				w.ahead.Add(int64(wait - time.Second))
				wantRefusal(t, try("192.0.2.99", "wrong password"), true)
				w.ahead.Add(int64(time.Second))
				wantRefusal(t, try("192.0.2.99", "wrong password"), false)
			}
			w.ahead.Add(int64(pay.LockMax))
			err := try("192.0.2.99", goodPassword)
			if name == "li" && err != nil || name != "li" && err == nil {
				t.Errorf("in the end: %v", err)
			}
		})
	}
}

// One address may not try its luck with many names; its neighbours in the same IPv6 network are the same one.
func TestLockOutOfAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	hire(t, b, shop, "li", pay.RoleOwner)
	for i := range pay.TriesFreeAddress {
		_, _, err := b.SignIn(t.Context(), fmt.Sprint("name", i), "wrong password", fmt.Sprintf("2001:db8::%x", i+1))
		wantRefusal(t, err, false)
	}
	_, _, err := b.SignIn(t.Context(), "li", goodPassword, "2001:db8::ffff")
	wantRefusal(t, err, true)
	if _, _, err := b.SignIn(t.Context(), "li", goodPassword, "2001:db8:0:1::1"); err != nil {
		t.Errorf("from another network: %v", err)
	}
}

// A stranger who knows a name locks it for his own address only. Who has many addresses locks it for all that it has never
// signed in from; its owner, where he is known, comes in all the same.
func TestAStrangerDoesNotLockTheOwnerOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	hire(t, b, shop, "li", pay.RoleOwner)
	signIn := func(address, password string) error {
		_, _, err := b.SignIn(t.Context(), "li", password, address)
		return err
	}
	const home, stranger, hotel = "192.0.2.7", "198.51.100.66", "203.0.113.9"
	if err := signIn(home, goodPassword); err != nil {
		t.Fatal(err)
	}
	for range pay.TriesFree {
		wantRefusal(t, signIn(stranger, "wrong password"), false)
	}
	wantRefusal(t, signIn(stranger, "wrong password"), true)
	for _, address := range []string{home, hotel} {
		if err := signIn(address, goodPassword); err != nil {
			t.Errorf("one stranger keeps the owner out at %s: %v", address, err)
		}
	}
	for i := range pay.TriesFreeAccount - pay.TriesFree {
		wantRefusal(t, signIn(fmt.Sprintf("198.51.%d.1", i), "wrong password"), false)
	}
	wantRefusal(t, signIn("198.51.200.1", goodPassword), true)
	for _, address := range []string{home, hotel} {
		if err := signIn(address, goodPassword); err != nil {
			t.Errorf("many strangers keep the owner out at %s: %v", address, err)
		}
	}
	wantRefusal(t, signIn("198.51.201.1", goodPassword), true) // the owner's success is no mercy for them
	w.ahead.Add(int64(pay.LockMax))
	if err := signIn("198.51.200.1", goodPassword); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	w.ahead.Add(int64(pay.AddressKnown + time.Hour))
	for i := range pay.TriesFreeAccount + 1 {
		_ = signIn(fmt.Sprintf("198.52.%d.1", i), "wrong password")
	}
	wantRefusal(t, signIn(home, goodPassword), true) // after so long it is known no more
}

// A hundred guesses in the same moment are a hundred guesses.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	hire(t, b, shop, "li", pay.RoleOwner)
	var wrong, locked int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			_, _, err := b.SignIn(t.Context(), "li", "wrong password", "192.0.2.7")
			refusal, _ := errors.AsType[*pay.SignInError](err)
			mu.Lock()
			defer mu.Unlock()
			if refusal == nil || refusal.Wait == 0 {
				wrong++
			} else {
				locked++
			}
		})
	}
	all.Wait()
	if wrong != pay.TriesFree || locked != 40-pay.TriesFree {
		t.Errorf("%d passwords were looked at, %d were not; want %d", wrong, locked, pay.TriesFree)
	}
}

func TestStaffKeepsApartAndKeepsAnOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	owner, by := hire(t, b, shop, "li", pay.RoleOwner)
	clerk, _ := hire(t, b, shop, "wang", pay.RoleCashier)
	_, foreign := hire(t, b, "bakery", "zhao", pay.RoleOwner)

	for _, n := range []pay.NewStaff{
		{Merchant: shop, Name: "ZHAO", Role: pay.RoleOwner, Password: goodPassword}, // taken, by another shop
		{Merchant: shop, Name: "a b", Role: pay.RoleOwner, Password: goodPassword},
		{Merchant: shop, Name: "", Role: pay.RoleOwner, Password: goodPassword},
		{Merchant: shop, Name: "sun", Role: "king", Password: goodPassword},
		{Merchant: shop, Name: "sun", Role: pay.RoleOwner, Password: "short"},
		{Merchant: shop, Name: "sunshine", Role: pay.RoleOwner, Password: "my Sunshine"},
		{Merchant: shop, Name: "sun", Role: pay.RoleOwner, Password: strings.Repeat("ab", 10)},
	} {
		if _, err := b.AddStaff(t.Context(), n, by); pay.CodeOf(err) != pay.Invalid {
			t.Errorf("%+v: %v", n, err)
		}
	}
	for what, err := range map[string]error{
		"role":    b.SetRole(t.Context(), clerk.ID, pay.RoleOwner, foreign),
		"disable": b.SetDisabled(t.Context(), clerk.ID, true, foreign),
		"reset":   b.ResetPassword(t.Context(), clerk.ID, "something else", foreign),
		"remove":  b.RemoveStaff(t.Context(), clerk.ID, foreign),
	} {
		if pay.CodeOf(err) != pay.NotFound {
			t.Errorf("%s by another shop: %v", what, err)
		}
	}
	if err := b.SetRole(t.Context(), owner.ID, pay.RoleCashier, by); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("the last owner gives up: %v", err)
	}
	if err := b.SetDisabled(t.Context(), owner.ID, true, by); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("the last owner is barred: %v", err)
	}
	token, _, err := b.SignIn(t.Context(), "wang", goodPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetDisabled(t.Context(), clerk.ID, true, by); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SignedIn(t.Context(), token); !errors.Is(err, pay.ErrNoSession) {
		t.Errorf("barred and still signed in: %v", err)
	}
	_, _, err = b.SignIn(t.Context(), "wang", goodPassword, "")
	wantRefusal(t, err, false)

	list, next, err := b.Entries(t.Context(), shop, "", 3)
	if err != nil || len(list) != 3 || next == "" {
		t.Fatalf("the log: %v, %q, %v", list, next, err)
	}
	rest, next, err := b.Entries(t.Context(), shop, next, 100)
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	var got []string
	for _, e := range append(list, rest...) {
		got = append(got, string(e.Action)+" "+e.Name+" "+e.Subject)
	}
	want := "sign_in_failed wang ,staff_disabled li wang,sign_in wang ,staff_added test wang,staff_added test li"
	if strings.Join(got, ",") != want {
		t.Errorf("the log says %q", got)
	}
}

// What staff does to an order stands in its history and in the staff log.
func TestWhatStaffDoesIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.office()
	_, by := hire(t, b, shop, "li", pay.RoleCashier)
	paid := w.order(t)
	w.pays(t, paid)
	eventually(t, "the order is paid", func() bool { return w.read(t, paid.ID).State == pay.Paid })
	unpaid := w.order(t)
	if _, err := w.Refund(t.Context(), pay.NewRefund{Order: paid.ID, Amount: 100, By: by}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CancelBy(t.Context(), unpaid.ID, by); err != nil {
		t.Fatal(err)
	}
	for id, kind := range map[pay.OrderID]pay.Kind{paid.ID: pay.RefundAsked, unpaid.ID: pay.CalledOff} {
		signed := false
		var events []pay.Event
		if err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
			events, err = tx.Events(t.Context(), id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			signed = signed || e.Kind == kind && e.Detail["staff"] == "li"
		}
		if !signed {
			t.Errorf("no event %s of %s is signed", kind, id)
		}
	}
	list, _, err := b.Entries(t.Context(), shop, "", 2)
	if err != nil || len(list) != 2 || list[0].Action != pay.OrderCancelled || list[1].Action != pay.RefundMade ||
		list[1].Detail["amount"] != "100" || list[1].Address != "192.0.2.7" {
		t.Errorf("the log: %+v, %v", list, err)
	}
	if _, _, err := w.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
