package pay_test

import (
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

func (w *world) wantKey(t *testing.T, when, secret string, opens bool) {
	t.Helper()
	m, err := w.Authenticate(t.Context(), secret)
	if opens && (err != nil || m.ID != shop) || !opens && pay.CodeOf(err) != pay.Unauthorized {
		t.Errorf("%s: the key finds %q, %v; want it to open: %t", when, m.ID, err, opens)
	}
}

// A key is rolled without a break: the new one is valid at once, the old one for as long as was said.
func TestAKeyIsRolled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, k, err := w.NewKey(t.Context(), shop, "web server")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(old, "sk_"+string(k.ID)+"_") || !strings.HasSuffix(old, k.Hint) || len(k.Hint) != 4 {
		t.Errorf("made %q with hint %q", old, k.Hint)
	}
	w.wantKey(t, "made", old, true)
	fresh, _, err := w.RollKey(t.Context(), shop, k.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.wantKey(t, "old, rolled", old, true)
	w.wantKey(t, "new, rolled", fresh, true)
	w.forward(time.Hour)
	w.wantKey(t, "old, an hour later", old, false)
	w.wantKey(t, "new, an hour later", fresh, true)
	if _, _, err := w.RollKey(t.Context(), shop, k.ID, 0); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("rolled what is over: %v; want a conflict", err)
	}
	list, err := w.Keys(t.Context(), shop)
	if err != nil || len(list) != 2 || list[0].Name != "web server" || list[0].UsedAt.IsZero() || list[1].ID != k.ID {
		t.Errorf("the keys are %+v, %v", list, err)
	}
}

func TestAKeyIsRevokedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, k, err := w.NewKey(t.Context(), shop, "leaked")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeKey(t.Context(), "other", k.ID); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("revoked by another merchant: %v; want not found", err)
	}
	if _, _, err := w.RollKey(t.Context(), "other", k.ID, 0); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("rolled by another merchant: %v; want not found", err)
	}
	w.wantKey(t, "made", secret, true)
	for range 2 {
		if err := w.RevokeKey(t.Context(), shop, k.ID); err != nil {
			t.Fatal(err)
		}
		w.wantKey(t, "revoked", secret, false)
	}
}

func TestWhatIsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, k, err := w.NewKey(t.Context(), shop, "web server")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{
		"", "sk_", "sk__", string(k.ID), "sk_" + string(k.ID), "sk_" + string(k.ID) + "_", secret + "x", secret[:len(secret)-1],
		strings.ToLower(secret), " " + secret, "pk_" + strings.TrimPrefix(secret, "sk_"),
	} {
		w.wantKey(t, wrong, wrong, false)
	}
}

// Not every call writes down that the key was used.
func TestTheUseOfAKeyIsKeptToTheHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _, err := w.NewKey(t.Context(), shop, "web server")
	if err != nil {
		t.Fatal(err)
	}
	used := func() time.Time {
		t.Helper()
		w.wantKey(t, "in use", secret, true)
		list, err := w.Keys(t.Context(), shop)
		if err != nil {
			t.Fatal(err)
		}
		return list[0].UsedAt
	}
	first := used()
	w.forward(30 * time.Minute)
	if again := used(); !again.Equal(first) {
		t.Errorf("written again after half an hour")
	}
	w.forward(30 * time.Minute)
	if later := used(); later.Sub(first) < time.Hour {
		t.Errorf("used at %s, and still %s an hour later", first, later)
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range pay.KeysMax {
		if _, _, err := w.NewKey(t.Context(), shop, "one more"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.NewKey(t.Context(), shop, "too many"); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("made %d keys: %v", pay.KeysMax+1, err)
	}
	if _, _, err := w.NewKey(t.Context(), shop, "😀"); pay.CodeOf(err) != pay.Invalid {
		t.Errorf("a name that cannot be shown: %v", err)
	}
}
