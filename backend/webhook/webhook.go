// Package webhook posts webhooks to merchants' servers by the Standard Webhooks specification
// (https://www.standardwebhooks.com): signed, in one request each, and never to a machine inside our own network.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"saoma/backend/pay"
)

// An Endpoint is a merchant's server that takes webhooks.
type Endpoint struct {
	URL     string
	Secrets []string // "whsec_…"; several while one is being replaced: the request is signed with each
	Private bool     // it may lie in our own network, and be spoken to without TLS
}

// Options are what a Sender may be given otherwise.
type Options struct {
	UserAgent string            // empty: "Saoma"
	Now       func() time.Time  // nil: time.Now; for dates in Retry-After
	Transport http.RoundTripper // nil: over the network; for tests without one
}

// A Sender posts webhooks. It implements [pay.WebhookGateway] and may be used by many goroutines.
type Sender struct {
	options   Options
	endpoints atomic.Pointer[map[pay.MerchantID]endpoint]
	public    *http.Client
	private   *http.Client
}

type endpoint struct {
	Endpoint
	keys keys
}

var _ pay.WebhookGateway = (*Sender)(nil)

// New makes a sender to the merchants' endpoints.
func New(endpoints map[pay.MerchantID]Endpoint, o Options) (*Sender, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "Saoma"
	}
	s := &Sender{options: o, public: newClient(o.Transport, false), private: newClient(o.Transport, true)}
	return s, s.Replace(endpoints)
}

// Replace takes other endpoints, for what is sent from now on. If one of them is wrong all stay as they were.
func (s *Sender) Replace(endpoints map[pay.MerchantID]Endpoint) error {
	m := make(map[pay.MerchantID]endpoint, len(endpoints))
	for id, e := range endpoints {
		keys, err := e.check()
		if err != nil {
			return fmt.Errorf("merchant %q: %w", id, err)
		}
		m[id] = endpoint{e, keys}
	}
	s.endpoints.Store(&m)
	return nil
}

// Close ends connections that nobody uses at the moment.
func (s *Sender) Close() {
	s.public.CloseIdleConnections()
	s.private.CloseIdleConnections()
}

// Check says what is wrong with an endpoint, without repeating its secrets.
func (e Endpoint) Check() error {
	_, err := e.check()
	return err
}

func (e Endpoint) check() (keys, error) {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http", u.Fragment != "":
		return nil, errors.New("webhook_url must be an address like https://shop.example/hooks/saoma")
	case u.User != nil:
		return nil, errors.New("webhook_url must not hold a password: webhooks are signed")
	case len(e.URL) > pay.URLMax:
		return nil, fmt.Errorf("webhook_url must have at most %d bytes", pay.URLMax)
	case u.Scheme == "http" && !e.Private:
		return nil, errors.New("webhook_url must be https (or, for a server in your own network, set webhook_private = true)")
	}
	return parseSecrets(e.Secrets)
}

const (
	bodyMax    = 4 << 10 // bytes read of an answer
	excerptMax = 200     // characters kept of it
)

// newClient makes a client that follows no redirects: they would lead where nobody has checked the address.
func newClient(transport http.RoundTripper, private bool) *http.Client {
	if transport == nil {
		d := net.Dialer{Timeout: 5 * time.Second}
		if !private {
			d.Control = refusePrivate
		}
		transport = &http.Transport{
			// No Proxy: behind one the address that is dialled is not the one that is spoken to.
			DialContext:         d.DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: pay.WebhookParallel,
			IdleConnTimeout:     time.Minute,

			MaxResponseHeaderBytes: 16 << 10,
			DisableCompression:     true, // a small answer that unpacks to a large one
		}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       pay.WebhookLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// PostWebhook implements [pay.WebhookGateway].
func (s *Sender) PostWebhook(ctx context.Context, m pay.MerchantID, id pay.DeliveryID, at time.Time, body []byte) pay.WebhookAnswer {
	e, ok := (*s.endpoints.Load())[m]
	if !ok {
		return pay.WebhookAnswer{Trouble: "the merchant has no webhook_url"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return pay.WebhookAnswer{Trouble: "webhook_url cannot be asked"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.options.UserAgent)
	req.Header.Set("webhook-id", string(id))
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", e.keys.sign(string(id), at, body))
	client := s.public
	if e.Private {
		client = s.private
	}
	res, err := client.Do(req) //nolint:bodyclose // read closes it
	if err != nil {
		return pay.WebhookAnswer{Trouble: reason(err)}
	}
	return s.read(res)
}

// read takes what is kept of an answer. Trouble while reading is none: the status says all.
func (s *Sender) read(res *http.Response) pay.WebhookAnswer {
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, bodyMax))
	return pay.WebhookAnswer{
		Status: res.StatusCode, Excerpt: excerpt(text), RetryAfter: retryAfter(res.Header.Get("Retry-After"), s.options.Now()),
	}
}

// reason says in a line why there was no answer, without the address, in which merchants put secrets of their own.
func reason(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return fmt.Sprintf("no answer within %d s", int(pay.WebhookLimit.Seconds()))
		}
		err = u.Err
	}
	return excerpt([]byte(err.Error()))
}

// excerpt makes the beginning of a text printable.
func excerpt(text []byte) string {
	var out strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(string(text)) {
		if n++; n > excerptMax {
			out.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = '?'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// retryAfter reads the header of that name (RFC 9110, 10.2.3): seconds, or a date. What cannot be read asks nothing.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
