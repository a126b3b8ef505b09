package webhook_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/webhook"
)

const cafe = pay.MerchantID("cafe")

// secretOf makes a secret of a byte that is repeated.
func secretOf(b byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
}

// A received request, as a merchant's server sees it.
type received struct {
	header http.Header
	body   string
}

// A receiver is a merchant's server.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	took []received
}

// receive starts a merchant's server, which answers as told.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.took = append(r.took, received{req.Header.Clone(), string(body)})
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.took...)
}

func sender(t *testing.T, e webhook.Endpoint) *webhook.Sender {
	t.Helper()
	if e.Secrets == nil {
		e.Secrets = []string{secretOf('a')}
	}
	s, err := webhook.New(map[pay.MerchantID]webhook.Endpoint{cafe: e}, webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, s *webhook.Sender) pay.WebhookAnswer {
	t.Helper()
	return s.PostWebhook(t.Context(), cafe, "msg_1", time.Now(), []byte(`{"type":"order.paid"}`))
}

func TestTheRequest(t *testing.T) {
	t.Parallel()
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, " ok\n\x00 <b> ") })
	a := post(t, sender(t, webhook.Endpoint{URL: r.URL + "/hooks?shop=1", Private: true}))
	if want := (pay.WebhookAnswer{Status: 200, Excerpt: "ok ? <b>"}); a != want {
		t.Errorf("answer %+v; want %+v", a, want)
	}
	got := r.all()[0]
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Webhook-Id": "msg_1", "User-Agent": "Saoma", "Accept-Encoding": "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q; want %q", name, got.header.Get(name), want)
		}
	}
	if got.body != `{"type":"order.paid"}` {
		t.Errorf("body %q", got.body)
	}
}

// Redirects are not followed: they would lead past the check of the address, and a POST would become a GET.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	inner := receive(t, func(http.ResponseWriter, *http.Request) {})
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, inner.URL, http.StatusTemporaryRedirect)
	})
	a := post(t, sender(t, webhook.Endpoint{URL: r.URL, Private: true}))
	if a.Status != http.StatusTemporaryRedirect || len(inner.all()) != 0 {
		t.Errorf("answer %+v, %d followed; want 307 and none", a, len(inner.all()))
	}
}

// A long answer is neither read nor kept to its end.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("太长了", 10_000)); err != nil {
				return
			}
		}
	})
	a := post(t, sender(t, webhook.Endpoint{URL: r.URL, Private: true}))
	if n := len([]rune(a.Excerpt)); a.Status != 200 || n != 201 || !strings.HasSuffix(a.Excerpt, "…") {
		t.Errorf("status %d, %d characters kept: %q", a.Status, n, a.Excerpt)
	}
}

// carrier answers without a network, so that virtual time can pass.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func TestASilentServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := webhook.New(map[pay.MerchantID]webhook.Endpoint{cafe: {URL: "https://shop.example", Secrets: []string{secretOf('a')}}},
			webhook.Options{Transport: carrier(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			})})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		a := post(t, s)
		if took := time.Since(began); took != pay.WebhookLimit || a.Trouble != "no answer within 15 s" {
			t.Errorf("%+v after %v", a, took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "99999999999999": 0,
		"Thu, 01 Jan 2026 00:05:00 GMT": 5 * time.Minute, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		s, err := webhook.New(map[pay.MerchantID]webhook.Endpoint{cafe: {URL: "https://shop.example", Secrets: []string{secretOf('a')}}},
			webhook.Options{
				Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
				Transport: carrier(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {header}}, Body: http.NoBody}, nil
				}),
			})
		if err != nil {
			t.Fatal(err)
		}
		if a := post(t, s); a.RetryAfter != want || a.Status != 429 {
			t.Errorf("Retry-After %q asks for %v; want %v", header, a.RetryAfter, want)
		}
	}
}

// What is wrong with an endpoint is said without its secret.
func TestMistakes(t *testing.T) {
	t.Parallel()
	good := secretOf('a')
	for name, c := range map[string]struct {
		endpoint webhook.Endpoint
		says     string // empty: all is well
	}{
		"good":             {webhook.Endpoint{URL: "https://shop.example/hooks?x=1", Secrets: []string{good}}, ""},
		"two secrets":      {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{good, secretOf('b')}}, ""},
		"http":             {webhook.Endpoint{URL: "http://shop.example", Secrets: []string{good}}, "https"},
		"http inside":      {webhook.Endpoint{URL: "http://10.0.0.7:8000/hooks", Secrets: []string{good}, Private: true}, ""},
		"another scheme":   {webhook.Endpoint{URL: "ftp://shop.example", Secrets: []string{good}, Private: true}, "address like"},
		"no host":          {webhook.Endpoint{URL: "https:///hooks", Secrets: []string{good}}, "address like"},
		"no address":       {webhook.Endpoint{URL: "hooks", Secrets: []string{good}}, "address like"},
		"a password in it": {webhook.Endpoint{URL: "https://u:p@shop.example", Secrets: []string{good}}, "password"},
		"a long address":   {webhook.Endpoint{URL: "https://shop.example/" + strings.Repeat("x", 3000), Secrets: []string{good}}, "2048"},
		"no secret":        {webhook.Endpoint{URL: "https://shop.example"}, "webhook_secret is missing"},
		"an empty secret":  {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{"whsec_"}}, "24 to 64"},
		"no prefix":        {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{good[6:]}}, "whsec_"},
		"no base64":        {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{"whsec_ümlaut"}}, "base64"},
		"a short secret":   {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{"whsec_" + strings.Repeat("A", 28)}}, "24 to 64"},
		"a long secret":    {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{"whsec_" + strings.Repeat("A", 88)}}, "24 to 64"},
		"second one short": {webhook.Endpoint{URL: "https://shop.example", Secrets: []string{good, "whsec_AAAA"}}, "24 to 64"},
	} {
		err := c.endpoint.Check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
		for _, s := range c.endpoint.Secrets {
			if err != nil && len(s) > 10 && strings.Contains(err.Error(), s[6:]) {
				t.Errorf("%s: the error tells the secret: %v", name, err)
			}
		}
	}
}

// Other endpoints are taken over as a whole or not at all.
func TestReplace(t *testing.T) {
	t.Parallel()
	one, two := receive(t, func(http.ResponseWriter, *http.Request) {}), receive(t, func(http.ResponseWriter, *http.Request) {})
	s := sender(t, webhook.Endpoint{URL: one.URL, Private: true})
	if err := s.Replace(map[pay.MerchantID]webhook.Endpoint{cafe: {URL: two.URL}}); err == nil {
		t.Error("an endpoint without a secret was taken")
	}
	post(t, s)
	if err := s.Replace(map[pay.MerchantID]webhook.Endpoint{cafe: {URL: two.URL, Secrets: []string{secretOf('b')}, Private: true}}); err != nil {
		t.Fatal(err)
	}
	post(t, s)
	if len(one.all()) != 1 || len(two.all()) != 1 {
		t.Errorf("%d and %d requests; want one each", len(one.all()), len(two.all()))
	}
	if err := s.Replace(nil); err != nil {
		t.Fatal(err)
	}
	if a := post(t, s); a.Status != 0 || a.Trouble == "" {
		t.Errorf("without an endpoint: %+v", a)
	}
}
