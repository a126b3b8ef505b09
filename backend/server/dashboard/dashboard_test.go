package dashboard

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saoma/backend/live"
	"saoma/backend/pay"
	"saoma/backend/store"
)

// A shop is a dashboard over real books, whose clock can be moved. WeChat Pay is not there.
type shop struct {
	*Dashboard
	handler http.Handler
	file    string // of the books
	ahead   atomic.Int64
	names   atomic.Int64
}

const password = "correct horse 电池"

func newShop(t *testing.T, publicURL string) *shop {
	t.Helper()
	file := filepath.Join(t.TempDir(), "saoma.db")
	books, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	hub := live.NewHub(live.Options{})
	t.Cleanup(func() {
		if err := hub.Close(context.Background(), 1001); err != nil {
			t.Error(err)
		}
		if err := books.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &shop{file: file}
	began := time.Now()
	now := func() time.Time { return began.Add(time.Duration(s.ahead.Load())) } // stands still
	name := func() string { return fmt.Sprintf("%08d", s.names.Add(1)) }
	s.Dashboard = &Dashboard{
		Cashier: &pay.Cashier{Store: books, Now: now, NewName: name, Merchants: pay.NewMerchants([]pay.Merchant{
			{ID: "cafe", Name: "街角咖啡", PublishableKey: "pk_1"}, {ID: "bakery", Name: "Bakery", PublishableKey: "pk_2"},
		})},
		BackOffice: &pay.BackOffice{Store: books, Passwords: NewArgon2id(), Now: now, NewName: name,
			NewToken: func() pay.Token { return pay.Token("session-" + name()) }},
		Figures: &pay.Figures{Store: books, Now: now}, Hub: hub, PublicURL: publicURL, Log: slog.New(slog.DiscardHandler),
		Address: func(*http.Request) (netip.Addr, error) { return netip.MustParseAddr("192.0.2.7"), nil },
	}
	if s.handler, err = s.Handler(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) hire(t *testing.T, m pay.MerchantID, name string, r pay.Role) pay.Staff {
	t.Helper()
	staff, err := s.BackOffice.AddStaff(t.Context(), pay.NewStaff{Merchant: m, Name: name, Role: r, Password: password}, pay.Actor{})
	if err != nil {
		t.Fatal(err)
	}
	return staff
}

// A client is a browser without a screen.
type client struct {
	*shop
	cookies map[string]*http.Cookie
}

func (s *shop) visit() *client { return &client{s, make(map[string]*http.Cookie)} }

// A reply is the head of an answer.
type reply struct {
	StatusCode int
	Status     string
	Header     http.Header
}

// do makes a request with the browser's cookies and keeps those of the answer. Headers are "Name: value".
func (c *client) do(t *testing.T, method, path string, form url.Values, headers ...string) (reply, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://shop.example"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	res := w.Result()
	for _, cookie := range res.Cookies() {
		if c.cookies[cookie.Name] = cookie; cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return reply{res.StatusCode, res.Status, res.Header}, string(body)
}

func (c *client) get(t *testing.T, path string) (reply, string) {
	t.Helper()
	return c.do(t, "GET", Prefix+path, nil)
}

var formTokens = regexp.MustCompile(`name="form" value="([0-9a-f]{32})"`)

// token is what the forms of the browser's pages carry.
func (c *client) token(t *testing.T, page string) string {
	t.Helper()
	_, body := c.get(t, page)
	m := formTokens.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no form on %s: %s", page, body)
	}
	return m[1]
}

func (c *client) signIn(t *testing.T, name, password string) (reply, string) {
	t.Helper()
	return c.do(t, "POST", Prefix+"sign-in", url.Values{"form": {c.token(t, "sign-in")}, "name": {name}, "password": {password}})
}

// as is a browser in which somebody has signed in.
func (s *shop) as(t *testing.T, name string) *client {
	t.Helper()
	c := s.visit()
	if res, body := c.signIn(t, name, password); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != Prefix {
		t.Fatalf("sign in as %s: %s %s %s", name, res.Status, res.Header.Get("Location"), body)
	}
	return c
}

// order writes an order into the books.
func (s *shop) order(t *testing.T, o pay.Order) pay.Order {
	t.Helper()
	o.ID, o.Token = pay.OrderID("ord_"+s.Cashier.NewName()), pay.Token("ordertoken-"+s.Cashier.NewName())
	o.State, o.Version, o.CreatedAt, o.Channel = pay.Created, 1, s.Cashier.Now(), pay.Native
	err := s.Cashier.Store.Update(t.Context(), func(tx pay.Tx) error { return tx.InsertOrder(t.Context(), o) })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// mayUse says who may use each route: o owner, c cashier, a accountant.
var mayUse = map[string]string{
	"GET {$}": "oca", "GET password": "oca", "POST password": "oca", "POST sign-out": "oca", "GET live": "oca",
	"GET today": "oa", "GET orders": "oca", "GET orders/{id}": "oca",
	"GET orders/{id}/refund": "oc", "POST orders/{id}/refund": "oc", "GET orders/{id}/cancel": "oc", "POST orders/{id}/cancel": "oc",
	"GET staff": "o", "POST staff": "o", "GET staff/{id}": "o", "POST staff/{id}/role": "o", "POST staff/{id}/disable": "o",
	"POST staff/{id}/enable": "o", "POST staff/{id}/password": "o", "GET log": "o",
	"GET products": "oca", "GET products/~new": "o", "POST products": "o", "GET products/{sku}": "o", "POST products/{sku}": "o",
	"POST products/{sku}/switch": "o", "GET products/{sku}/delete": "o", "POST products/{sku}/delete": "o",
	"GET reports": "oa", "POST reports": "oa", "GET reports/{day}": "oa", "GET reports/{day}/csv": "oa", "GET export": "oa",
	"GET webhooks": "o", "POST webhooks/test": "o", "POST webhooks/enable": "o", "GET webhooks/resend": "o", "POST webhooks/resend": "o",
	"GET webhooks/{id}": "o", "POST webhooks/{id}/resend": "o",
	"GET keys": "o", "POST keys": "o", "GET keys/{id}": "o", "POST keys/{id}/roll": "o", "POST keys/{id}/revoke": "o",
	"GET settings": "o", "POST settings/check": "o",
}

// Every route has its entry, and is open to those roles and to nobody else; not to strangers in any case.
func TestRolesOverEveryRoute(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	roles := map[byte]string{'o': "owner", 'c': "cashier", 'a': "accountant"}
	for _, name := range roles {
		s.hire(t, "cafe", name, pay.Role(name))
	}
	seen := make(map[string]bool)
	for _, r := range s.routes() {
		seen[r.pattern] = true
		if _, ok := mayUse[r.pattern]; !ok {
			t.Errorf("nobody says who may use %s", r.pattern)
		}
	}
	for pattern := range mayUse {
		if !seen[pattern] {
			t.Errorf("there is no route %s", pattern)
		}
	}
	for letter, name := range roles {
		t.Run(name, func(t *testing.T) {
			c := s.as(t, name)
			token := c.token(t, "password")
			for _, r := range s.routes() {
				if r.pattern == "POST sign-out" {
					continue // the last thing one does
				}
				method, path, _ := strings.Cut(r.pattern, " ")
				path = strings.NewReplacer("{id}", "nothing", "{$}", "").Replace(path)
				form := url.Values{"form": {token}}
				if method == "GET" {
					form = nil
				}
				res, _ := c.do(t, method, Prefix+path, form, "Origin: http://shop.example")
				permitted := strings.IndexByte(mayUse[r.pattern], letter) >= 0
				if forbidden := res.StatusCode == http.StatusForbidden; forbidden == permitted {
					t.Errorf("%s: %s; want permitted %t", r.pattern, res.Status, permitted)
				}
				stranger := s.visit()
				strange := stranger.token(t, "sign-in")
				if form != nil {
					form.Set("form", strange)
				}
				res, _ = stranger.do(t, method, Prefix+path, form)
				if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, Prefix+"sign-in") {
					t.Errorf("%s by a stranger: %s to %q", r.pattern, res.Status, to)
				}
			}
		})
	}
}

// A form counts only with the token of this very browser, and from a page of ours.
func TestForgedForms(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	s.hire(t, "cafe", "other", pay.RoleOwner)
	c, other := s.as(t, "owner"), s.as(t, "other")
	own := c.token(t, "password")
	add := func(token string, headers ...string) int {
		res, _ := c.do(t, "POST", Prefix+"staff", url.Values{"form": {token}, "name": {"mallory"}, "role": {"owner"}}, headers...)
		return res.StatusCode
	}
	for what, status := range map[string]int{
		"no token":       add(""),
		"a wrong token":  add(strings.Repeat("0", 32)),
		"another's":      add(other.token(t, "password")),
		"a visitor's":    add(s.visit().token(t, "sign-in")),
		"another site":   add(own, "Sec-Fetch-Site: cross-site"),
		"a sister site":  add(own, "Sec-Fetch-Site: same-site"),
		"another origin": add(own, "Origin: https://evil.example"),
	} {
		if status != http.StatusForbidden {
			t.Errorf("%s: %d", what, status)
		}
	}
	if list, err := s.BackOffice.Staff(t.Context(), "cafe"); err != nil || len(list) != 2 {
		t.Errorf("the staff is %v, %v", list, err)
	}
	if status := add(own, "Sec-Fetch-Site: same-origin", "Origin: http://shop.example"); status != http.StatusSeeOther {
		t.Errorf("our own form: %d", status)
	}
	stranger := s.visit()
	res, _ := stranger.do(t, "POST", Prefix+"sign-in", url.Values{"name": {"owner"}, "password": {password}})
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a sign-in without a token: %s", res.Status)
	}
	if res, _ := c.do(t, "GET", Prefix+"live", nil, "Origin: https://evil.example", "Connection: upgrade", "Upgrade: websocket"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a socket of another origin: %s", res.Status)
	}
}

func TestSessionsOfBrowsers(t *testing.T) {
	t.Parallel()
	s := newShop(t, "https://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	const name = "__Host-" + sessionCookie
	// Fixation: a token that somebody planted before does not become the session's.
	victim := s.visit()
	victim.cookies[name] = &http.Cookie{Name: name, Value: "planted"}
	if res, _ := victim.signIn(t, "owner", password); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.Status)
	}
	cookie := victim.cookies[name]
	if cookie.Value == "planted" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("the session's cookie is %s", cookie)
	}
	signedIn := func(c *client) bool {
		res, _ := c.get(t, "orders")
		return res.StatusCode == http.StatusOK
	}
	planted := s.visit()
	planted.cookies[name] = &http.Cookie{Name: name, Value: "planted"}
	if signedIn(planted) || !signedIn(victim) {
		t.Error("the planted token opens, or the own does not")
	}
	// Signing out ends the session for whoever has copied the cookie, too.
	thief := s.visit()
	thief.cookies[name] = cookie
	victim.do(t, "POST", Prefix+"sign-out", url.Values{"form": {victim.token(t, "orders")}})
	if signedIn(victim) || signedIn(thief) {
		t.Error("signed out and still in")
	}
	idle, changed, here := s.as(t, "owner"), s.as(t, "owner"), s.as(t, "owner")
	here.do(t, "POST", Prefix+"password", url.Values{"form": {here.token(t, "password")}, "old": {password}, "password": {"another one 9"}, "again": {"another one 9"}})
	if signedIn(changed) || !signedIn(here) {
		t.Error("a new password leaves the old sessions, or ends the own")
	}
	if signedIn(idle) {
		t.Error("still signed in")
	}
	s.ahead.Add(int64(pay.SessionIdle))
	if signedIn(here) {
		t.Error("signed in after two hours of nothing")
	}
}

// What comes back of a sign-in that fails is the same for all names, and in the end all are slowed down alike.
func TestSignInTellsNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	pages := make(map[string][]string)
	for _, name := range []string{"owner", "nobody"} {
		for i := range pay.TriesFree + 1 {
			c := s.visit()
			res, _ := c.signIn(t, name, "wrong password")
			_, body := c.do(t, "GET", res.Header.Get("Location"), nil)
			body = formTokens.ReplaceAllString(strings.ReplaceAll(body, name, "NAME"), "")
			pages[name] = append(pages[name], fmt.Sprint(i, res.Status, body))
		}
	}
	for i := range pages["owner"] {
		if pages["owner"][i] != pages["nobody"][i] {
			t.Errorf("a wrong password and an unknown name differ:\n%s\n%s", pages["owner"][i], pages["nobody"][i])
		}
	}
	if last := pages["owner"][pay.TriesFree]; !strings.Contains(last, "30 秒") {
		t.Errorf("nobody is asked to wait: %s", last)
	}
}

// Text of customers and shops stays text, and no page holds what opens something.
func TestPagesHoldNoMarkupOfStrangersAndNoSecrets(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'` + "`${alert(1)}`"
	o := s.order(t, pay.Order{Merchant: "cafe", Total: 100, Description: evil, Reference: evil, ReturnURL: "javascript:alert(1)",
		Metadata: map[string]string{evil: evil}, Items: []pay.Item{{SKU: evil, Name: evil, Price: 100, Quantity: 1}}})
	by := pay.Actor{Staff: "stf_x", Name: evil, Merchant: "cafe", Address: evil}
	if err := s.BackOffice.Log(t.Context(), by, pay.RefundMade, evil, map[string]string{"amount": evil, "role": evil}); err != nil {
		t.Fatal(err)
	}
	c := s.as(t, "owner")
	c.cookies[lookCookie] = &http.Cookie{Name: lookCookie, Value: "en.light"}
	escaped := url.QueryEscape(evil)
	for _, path := range []string{"orders", "orders?q=" + escaped + "&status=" + escaped + "&from=" + escaped + "&after=" + escaped, "orders/" + string(o.ID),
		"log", "today", "staff?name=" + escaped, "nowhere/" + url.PathEscape(evil), "password", "sign-in?next=" + escaped} {
		res, body := c.get(t, path)
		for _, bad := range []string{"<script>alert", "<img src=x", "javascript:alert"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %s", path, bad)
			}
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
			!strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		secrets := []string{string(o.Token), "$argon2id$", c.cookies[sessionCookie].Value}
		for _, secret := range secrets {
			if strings.Contains(body, secret) {
				t.Errorf("%s holds the secret %s", path, secret)
			}
		}
		if strings.Contains(body, " style=") || strings.Contains(body, "<style") || strings.Contains(body, " onclick=") {
			t.Errorf("%s holds style or script that its policy forbids", path)
		}
	}
	stranger := s.visit()
	if _, body := stranger.get(t, "sign-in?name="+escaped); strings.Contains(body, "<script>alert") {
		t.Error("the sign-in holds markup")
	}
}
