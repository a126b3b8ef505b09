package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

func testStaff(t *testing.T, s *store.Store) {
	at := time.UnixMilli(1_790_000_000_000).UTC()
	li := pay.Staff{ID: "stf_1", Merchant: "cafe", Name: "li", Role: pay.RoleOwner, PasswordHash: "$h", Provisional: true, CreatedAt: at}
	session := pay.Session{Digest: pay.DigestOf("token"), Staff: li.ID, CreatedAt: at, SeenAt: at}
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		return errors.Join(tx.InsertStaff(ctx, li), tx.InsertSession(ctx, session))
	})
	li.Role, li.Provisional, li.Disabled, li.SignedInAt, li.PasswordHash = pay.RoleCashier, false, true, at.Add(time.Hour), "$i"
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		tries, err := tx.Tries(ctx, "account x")
		if err != nil || tries != (pay.Tries{}) {
			t.Errorf("no tries yet: %+v, %v", tries, err)
		}
		return errors.Join(tx.UpdateStaff(ctx, li), tx.TouchSession(ctx, session.Digest, at.Add(time.Minute)),
			tx.PutTries(ctx, "account x", pay.Tries{Failures: 3, LastAt: at}))
	})
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		byID, err1 := tx.Staff(ctx, li.ID)
		byName, err2 := tx.StaffByName(ctx, "li")
		list, err3 := tx.StaffOf(ctx, "cafe")
		if byID != li || byName != li || len(list) != 1 || list[0] != li {
			t.Errorf("read %+v, %+v, %+v; want %+v", byID, byName, list, li)
		}
		none, err4 := tx.StaffOf(ctx, "bakery")
		if len(none) != 0 {
			t.Errorf("another's staff: %+v", none)
		}
		read, err5 := tx.Session(ctx, session.Digest)
		if read.Staff != li.ID || !read.SeenAt.Equal(at.Add(time.Minute)) {
			t.Errorf("the session is %+v", read)
		}
		tries, err6 := tx.Tries(ctx, "account x")
		if tries.Failures != 3 || !tries.LastAt.Equal(at) {
			t.Errorf("the tries are %+v", tries)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
	err := s.Update(t.Context(), func(tx pay.Tx) error {
		return tx.InsertStaff(t.Context(), pay.Staff{ID: "stf_2", Merchant: "bakery", Name: "li", Role: pay.RoleOwner})
	})
	if err == nil {
		t.Error("two have the same name")
	}
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		for _, subject := range []string{"account y", "account y address z", "account yy", "known account x"} {
			_, err := tx.Tries(ctx, subject)
			if err := errors.Join(err, tx.PutTries(ctx, subject, pay.Tries{Failures: 1, LastAt: at})); err != nil {
				return err
			}
		}
		return tx.ForgetTries(ctx, "account y")
	})
	wantTries := func(what string, want ...string) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx pay.Tx) error {
			for _, subject := range []string{"account x", "account y", "account y address z", "account yy", "known account x"} {
				tries, err := tx.Tries(ctx, subject)
				if err != nil {
					return err
				}
				if kept := tries.Failures > 0; kept != slices.Contains(want, subject) {
					t.Errorf("%s: %q is kept: %t", what, subject, kept)
				}
			}
			return nil
		})
	}
	wantTries("one account is forgotten", "account x", "account yy", "known account x")
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		return tx.ForgetOldTries(ctx, at.Add(time.Second), at.Add(-time.Second))
	})
	wantTries("old ones are forgotten", "known account x")
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		return errors.Join(tx.ForgetOldTries(ctx, at.Add(time.Second), at.Add(time.Second)), tx.ForgetSessions(ctx, at, at.Add(2*time.Minute)))
	})
	err = s.View(t.Context(), func(tx pay.Tx) error {
		_, err := tx.Session(t.Context(), session.Digest)
		return err
	})
	if !errors.Is(err, pay.ErrNoRow) {
		t.Errorf("the forgotten session: %v", err)
	}
	update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.DeleteStaff(ctx, li.ID) })
}

func testTheStaffLogIsOnlyAppended(t *testing.T, d database) {
	s := d.open(t)
	for _, id := range []string{"1", "2", "3"} {
		e := pay.StaffEntry{ID: id, Merchant: "cafe", At: time.UnixMilli(5).UTC(), Name: "li", Action: pay.RefundMade, Subject: "ord_1",
			Detail: map[string]string{"amount": "7"}, Address: "192.0.2.7"}
		update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.AppendStaffEntry(ctx, e) })
	}
	var list []pay.StaffEntry
	if err := s.View(t.Context(), func(tx pay.Tx) (err error) {
		list, err = tx.StaffEntries(t.Context(), "cafe", "3", 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].ID != "2" || list[1].ID != "1" || list[0].Detail["amount"] != "7" || list[0].Address != "192.0.2.7" {
		t.Errorf("before the third there are %+v", list)
	}
	raw := d.raw(t)
	for _, statement := range []string{`UPDATE staff_log SET name = 'wang'`, `DELETE FROM staff_log`} {
		if _, err := raw.ExecContext(t.Context(), statement); err == nil || !d.refuses(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
