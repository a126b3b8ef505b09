package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechat"
)

// secureProxy speaks https with the certificate before the server.
func (c *clinic) secureProxy(t *testing.T, certificate *x509.Certificate) (url string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	proxy := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(mustURL(t, c.url)))
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	return proxy.URL, roots
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDoctorLooksAtTLS(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	for name, x := range map[string]struct {
		alter func(*x509.Certificate)
		want  string
		blind bool // the authority is not known
	}{
		"good":              {func(*x509.Certificate) {}, `^TLS: ok: the certificate is good for 127.0.0.1, for 89 more days → $`, false},
		"ends soon":         {func(k *x509.Certificate) { k.NotAfter = time.Now().Add(49 * time.Hour) }, `^TLS: warning: .* for 2 more days → renew it`, false},
		"ended":             {func(k *x509.Certificate) { k.NotAfter = time.Now().Add(-time.Hour) }, `^TLS: broken: .*expired.* → renew the certificate`, false},
		"another host":      {func(k *x509.Certificate) { k.IPAddresses, k.DNSNames = nil, []string{"other.example"} }, `^TLS: broken: .* → get a certificate for the host`, false},
		"unknown authority": {func(*x509.Certificate) {}, `^TLS: broken: .*unknown authority.* → have the proxy send the whole chain`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
				IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
			x.alter(k)
			address, roots := c.secureProxy(t, k)
			if x.blind {
				roots = x509.NewCertPool()
			}
			file := c.write(t, strings.ReplaceAll(name, " ", "")+".toml", c.good, "public_url = '"+address+"'")
			d := doctor{file: file, patience: time.Nanosecond, roots: roots}
			var said []string
			found, reached := false, false
			d.examine(t.Context(), func(k pay.Check) {
				line := k.Name + ": " + string(k.Result) + ": " + k.Found + " → " + k.Todo
				said = append(said, line)
				found = found || regexp.MustCompile(x.want).MatchString(line)
				reached = reached || strings.HasPrefix(line, "public address: ok")
			})
			if !found || reached != !strings.Contains(x.want, "broken") {
				t.Errorf("reached: %t; no line is like %s:\n%s", reached, x.want, strings.Join(said, "\n"))
			}
		})
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		ahead time.Duration
		want  pay.Check
	}{
		{0, pay.Check{Result: pay.CheckOK, Found: "within two seconds of WeChat Pay's"}},
		{10 * time.Second, pay.Check{Result: pay.CheckOK, Found: "10s ahead of WeChat Pay's"}},
		{-2 * time.Minute, pay.Check{Result: pay.CheckWarning, Found: "2m0s behind WeChat Pay's"}},
		{-6 * time.Minute, pay.Check{Result: pay.CheckBroken, Found: "6m0s behind WeChat Pay's"}},
		{5 * time.Minute, pay.Check{Result: pay.CheckBroken, Found: "5m0s ahead of WeChat Pay's"}},
	} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(-x.ahead).UTC().Format(http.TimeFormat))
		}))
		got := wechat.CheckClock(wechat.Clock(t.Context(), api.URL))
		api.Close()
		// Date has whole seconds.
		near := regexp.MustCompile(`^(9|1[01])s |^(1m5[89]s|2m[012]s) |^(5m5[89]s|6m[012]s) |^(4m59s|5m[012]s) `)
		if got.Result != x.want.Result && x.ahead != 5*time.Minute || got.Found != x.want.Found && !near.MatchString(got.Found) ||
			(got.Todo == "") != (got.Result == pay.CheckOK) {
			t.Errorf("%v ahead: %+v; want %+v", x.ahead, got, x.want)
		}
	}
}

// The shop's server takes the signed test, or says why not.
func TestDoctorTriesTheWebhook(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	signed := make(chan http.Header, 1)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			http.Error(w, "bad signature", http.StatusForbidden)
			return
		}
		signed <- r.Header
	}))
	t.Cleanup(shop.Close)
	hook := func(url string) []string {
		return []string{"secret_key = '" + c.secretKey + "'\nwebhook_private = true\nwebhook_url = '" + url +
			"'\nwebhook_secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'"}
	}
	for url, want := range map[string]string{
		shop.URL + "/hook":                   "webhook: ok: the shop's server took a signed test (200) → ",
		shop.URL + "/wrong":                  "webhook: broken: the shop's server answered 403: bad signature → compare webhook_secret",
		"http://" + freeAddress(t) + "/hook": "webhook: broken: the shop's server gave no answer: ",
		"ftp://shop.example":                 "configuration: broken: webhook_url must be",
		"":                                   "webhook: skipped: no webhook_url",
	} {
		lines := strings.Join(c.examine(t, hook(url)...), "\n")
		if !strings.Contains("\n"+lines, "\n"+want) {
			t.Errorf("%s: no line begins with %s:\n%s", url, want, lines)
		}
	}
	if h := <-signed; h.Get("webhook-signature") == "" || h.Get("webhook-id") == "" {
		t.Errorf("the test was sent with %v", h)
	}
}
