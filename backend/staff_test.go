package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechatsim"
)

// The command lets people in and out, beside nothing but a configuration.
func TestStaffCommand(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	m, err := wechatsim.OpenMerchant(filepath.Join(folder, "sim"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(folder, "sim"), "http://127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, folder, "127.0.0.1:0")
	file := filepath.Join(folder, "saoma.toml")
	saoma := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"staff", args[0], "-config", file}, args[1:]...), &out)
		return out.String(), err
	}
	out, err := saoma("add", "-name", "Li", "-role", "owner")
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`: ([a-z2-9-]{19})\n`).FindStringSubmatch(out)
	if made == nil {
		t.Fatalf("no password in %q", out)
	}
	for _, bad := range [][]string{
		{"add", "-name", "li", "-role", "owner"}, {"add", "-name", "wang", "-role", "king"}, {"add", "-name", "a b", "-role", "owner"},
		{"passwd", "-name", "nobody"}, {"remove", "-name", "nobody"}, {"list", "-merchant", "nobody"},
	} {
		if _, err := saoma(bad...); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if out, err := saoma("list"); err != nil || !strings.Contains(out, "li") || !strings.Contains(out, "owner") || strings.Contains(out, "wang") {
		t.Errorf("the list is %q, %v", out, err)
	}
	enter := func(password string) error {
		books, err := store.OpenSQLite(t.Context(), filepath.Join(folder, "saoma.db"))
		if err != nil {
			t.Fatal(err)
		}
		_, s, err := newBackOffice(&pay.Cashier{Store: books, Now: time.Now}).SignIn(t.Context(), "li", password, "192.0.2.7")
		if err == nil && !s.Provisional {
			t.Error("the password need not be changed")
		}
		if err := books.Close(); err != nil {
			t.Error(err)
		}
		return err
	}
	if err := enter(made[1]); err != nil {
		t.Error(err)
	}
	if _, err := saoma("passwd", "-name", "LI"); err != nil {
		t.Error(err)
	}
	if err := enter(made[1]); err == nil {
		t.Error("the old password opens")
	}
	if _, err := saoma("remove", "-name", "li"); err != nil {
		t.Error(err)
	}
	if out, err := saoma("list"); err != nil || strings.Contains(out, "li ") {
		t.Errorf("the list is %q, %v", out, err)
	}
}
