package wechatsim

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// oldAndNew has two certificates: one since 2024, one from 2026-01-02 18:00 on.
var oldAndNew = sync.OnceValues(func() (*Merchant, error) {
	m, err := NewMerchant()
	if err != nil {
		return nil, err
	}
	return m, errors.Join(m.IssueCertificate(time.Date(2024, 1, 1, 0, 0, 0, 0, beijing())),
		m.IssueCertificate(noon().Add(6*time.Hour)))
})

// newCertificateShop is at noon, when only the old certificate is valid.
func newCertificateShop(t *testing.T, mode CertificateMode) (*shop, *handClock) {
	t.Helper()
	m, err := oldAndNew()
	if err != nil {
		t.Fatal(err)
	}
	own := *m
	clock := &handClock{now: noon()}
	return newShop(t, func(o *Options) { o.Merchant, o.Certificates, o.Now = &own, mode, clock.time }), clock
}

// named makes a request name a key.
func named(serial string) func(*draft) {
	return func(d *draft) { d.header.Set("Wechatpay-Serial", serial) }
}

// signedBy says which key signed, and checks that it did: the public key, the old or the new certificate.
func (s *shop) signedBy(h http.Header, body string) string {
	s.t.Helper()
	key, who := publicKey(s.t, string(s.merchant.PublicKeyPEM)), "public key"
	for i, c := range s.merchant.Certificates {
		if c.Serial == h.Get("Wechatpay-Serial") {
			who = [...]string{"old", "new"}[i]
			block, _ := pem.Decode(c.PEM)
			parsed, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				s.t.Fatal(err)
			}
			key = parsed.PublicKey.(*rsa.PublicKey)
		}
	}
	if who == "public key" && h.Get("Wechatpay-Serial") != s.merchant.PublicKeyID {
		s.t.Fatalf("serial %q", h.Get("Wechatpay-Serial"))
	}
	sum := sha256.Sum256([]byte(h.Get("Wechatpay-Timestamp") + "\n" + h.Get("Wechatpay-Nonce") + "\n" + body + "\n"))
	raw, err := base64.StdEncoding.DecodeString(h.Get("Wechatpay-Signature"))
	if err == nil {
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw)
	}
	if err != nil {
		s.t.Fatalf("not signed by the %s: %v", who, err)
	}
	return who
}

func TestAnswersAreSignedByMode(t *testing.T) {
	t.Parallel()
	m, err := oldAndNew()
	if err != nil {
		t.Fatal(err)
	}
	older, newer := m.Certificates[0].Serial, m.Certificates[1].Serial
	for _, c := range []struct {
		mode       CertificateMode
		asked      string
		noon, late string // who signs at noon, and when both certificates are valid
	}{
		{PublicKeyOnly, "", "public key", "public key"},
		{PublicKeyOnly, m.PublicKeyID, "public key", "public key"},
		{PublicKeyOnly, older, "public key", "public key"},
		{CertificatesOnly, "", "old", "new"},
		{CertificatesOnly, m.PublicKeyID, "old", "new"},
		{CertificatesOnly, older, "old", "old"},
		{CertificatesOnly, newer, "old", "new"},
		{Switching, "", "old", "new"},
		{Switching, m.PublicKeyID, "public key", "public key"},
		{Switching, older, "old", "old"},
		{Switching, "PUB_KEY_ID_0", "old", "new"},
		{Switching, m.Serial, "old", "new"}, // the merchant's own certificate is none of ours
	} {
		s, clock := newCertificateShop(t, c.mode)
		for _, want := range []string{c.noon, c.late} {
			a := s.send("POST", nativePath, s.order("ORDER0001", ""), named(c.asked)).want(200, "")
			if got := s.signedBy(a.header, a.body); got != want {
				t.Errorf("mode %d, %q asked: signed by %s, want %s", c.mode, c.asked, got, want)
			}
			clock.advance(6 * time.Hour)
		}
		a := s.close("ORDER0001").want(204, "")
		s.signedBy(a.header, "")
	}
}

// openCertificates decrypts an answer as a client does that knows nothing but its APIv3 key.
func (s *shop) openCertificates(a answer) (serials []string) {
	s.t.Helper()
	a.want(200, "")
	for _, x := range fields(s.t, a.body)["data"].([]any) {
		element := x.(map[string]any)
		box := element["encrypt_certificate"].(map[string]any)
		if box["algorithm"] != "AEAD_AES_256_GCM" || box["associated_data"] != "certificate" || len(element) != 4 {
			s.t.Errorf("element %v", element)
		}
		block, err := aes.NewCipher([]byte(s.merchant.APIv3Key))
		if err != nil {
			s.t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			s.t.Fatal(err)
		}
		sealed, err := base64.StdEncoding.DecodeString(box["ciphertext"].(string))
		if err != nil {
			s.t.Fatal(err)
		}
		plain, err := gcm.Open(nil, []byte(box["nonce"].(string)), sealed, []byte("certificate"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.checkCertificate(element, plain)
		serials = append(serials, element["serial_no"].(string))
	}
	return serials
}

// checkCertificate holds a certificate against what was said beside it, and against its issuer.
func (s *shop) checkCertificate(element map[string]any, text []byte) {
	s.t.Helper()
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	if serial := fmt.Sprintf("%X", c.SerialNumber); serial != element["serial_no"] || len(serial) != 40 {
		s.t.Errorf("serial %s, said %v", serial, element["serial_no"])
	}
	if from := c.NotBefore.In(beijing()).Format(time.RFC3339); from != element["effective_time"] {
		s.t.Errorf("from %s, said %v", from, element["effective_time"])
	}
	if until := c.NotAfter.In(beijing()).Format(time.RFC3339); until != element["expire_time"] {
		s.t.Errorf("until %s, said %v", until, element["expire_time"])
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.merchant.RootPEM) {
		s.t.Fatal("no root")
	}
	_, err = c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: s.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil || c.Issuer.CommonName != "Tenpay.com Root CA" || !c.NotAfter.Equal(c.NotBefore.AddDate(5, 0, 0)) {
		s.t.Errorf("issuer %v, until %v: %v", c.Issuer, c.NotAfter, err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	for _, mode := range []CertificateMode{CertificatesOnly, Switching} {
		s, clock := newCertificateShop(t, mode)
		older, newer := s.merchant.Certificates[0].Serial, s.merchant.Certificates[1].Serial
		want := func(serials ...string) {
			t.Helper()
			a := s.send("GET", "/v3/certificates", "")
			if got := s.openCertificates(a); !reflect.DeepEqual(got, serials) {
				t.Errorf("%v: certificates %v, want %v", s.now(), got, serials)
			}
			s.signedBy(a.header, a.body)
		}
		want(older)
		clock.advance(6*time.Hour - time.Second)
		want(older)
		clock.advance(time.Second)
		want(older, newer)
		for _, query := range []string{"?algorithm_type=RSA", "?algorithm_type=ALL"} {
			s.send("GET", "/v3/certificates"+query, "").want(200, "")
		}
		s.send("GET", "/v3/certificates?algorithm_type=SM2", "").want(404, "RESOURCE_NOT_EXISTS")
		s.send("GET", "/v3/certificates?algorithm_type=rsa", "").want(400, "PARAM_ERROR")
		clock.advance(3 * 366 * 24 * time.Hour) // beyond the five years of the old one
		want(newer)
		clock.advance(3 * 366 * 24 * time.Hour)
		s.send("GET", "/v3/certificates", "").want(404, "RESOURCE_NOT_EXISTS")
		// Nothing can be signed any more, unless by the public key.
		s.send("POST", nativePath, s.order("ORDER0001", "")).want(500, "SYSTEM_ERROR")
		a := s.send("POST", nativePath, s.order("ORDER0001", ""), named(s.merchant.PublicKeyID))
		if mode == Switching && a.status != 200 || mode == CertificatesOnly && a.status != 500 {
			t.Errorf("mode %d: %d", mode, a.status)
		}
	}
	s, _ := newCertificateShop(t, Switching)
	s.sim.SetFaults(Faults{Certificates: CallFaults{Unavailable: 1}})
	s.send("GET", "/v3/certificates", "").want(503, "SERVICE_UNAVAILABLE")
}

// callbackSigners pays n orders and says who signed their callbacks.
func (s *shop) callbackSigners(n int) string {
	s.t.Helper()
	var who []string
	for i := range n {
		before := len(s.inbox.all())
		s.pay(s.code(fmt.Sprintf("ORDER%d%03d", before, i)))
		synctest.Wait()
		last := s.inbox.all()[before]
		who = append(who, s.signedBy(last.header, last.body))
	}
	return strings.Join(who, ", ")
}

// code is prepay for a shop that may not know the public key. It asks for that, and so leaves the certificates'
// shares to the callbacks where it can.
func (s *shop) code(number string) string {
	s.t.Helper()
	a := s.send("POST", nativePath, s.order(number, ""), named(s.merchant.PublicKeyID)).want(200, "")
	return fields(s.t, a.body)["code_url"].(string)
}

func TestCallbacksAreSignedByMode(t *testing.T) {
	t.Parallel()
	if _, err := oldAndNew(); err != nil { // outside of any bubble
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		check := func(s *shop, n int, want string) {
			t.Helper()
			if got := s.callbackSigners(n); got != want {
				t.Errorf("signed by %s, want %s", got, want)
			}
		}
		share := func(s *shop, x Signing) {
			t.Helper()
			if err := s.sim.SetSigning(x); err != nil || s.sim.Signing() != x {
				t.Fatal(err)
			}
		}
		s, _ := newCertificateShop(t, PublicKeyOnly)
		check(s, 2, "public key, public key")
		s, _ = newCertificateShop(t, CertificatesOnly)
		share(s, Signing{PublicKeyShare: 100, NewestShare: 100})
		check(s, 2, "old, old")
		var clock *handClock
		s, clock = newCertificateShop(t, Switching)
		check(s, 4, "old, public key, old, public key")
		share(s, Signing{PublicKeyShare: 25})
		check(s, 8, "old, old, old, public key, old, old, old, public key")
		share(s, Signing{PublicKeyShare: 100})
		check(s, 2, "public key, public key")
		clock.advance(6 * time.Hour)
		share(s, Signing{NewestShare: 100})
		check(s, 2, "new, new")
		share(s, Signing{NewestShare: 50})
		check(s, 4, "old, new, old, new")
		share(s, Signing{})
		check(s, 2, "old, old")
		for _, wrong := range []Signing{{PublicKeyShare: -1}, {PublicKeyShare: 101}, {NewestShare: -1},
			{NewestShare: 101}} {
			if s.sim.SetSigning(wrong) == nil {
				t.Errorf("%+v is taken", wrong)
			}
		}
	})
}

// A callback that nothing can sign fails like one that was lost, and is sent again.
func TestCallbackWithoutACertificate(t *testing.T) {
	t.Parallel()
	if _, err := oldAndNew(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, clock := newCertificateShop(t, CertificatesOnly)
		code := s.code("ORDER0001")
		s.sim.SetFaults(Faults{Callback: CallbackFaults{Late: 1}})
		s.pay(code)
		clock.advance(10 * 366 * 24 * time.Hour)
		time.Sleep(time.Minute)
		synctest.Wait()
		clock.advance(-10 * 366 * 24 * time.Hour)
		time.Sleep(time.Minute)
		got := s.sim.Trades()[0].Callbacks
		if len(got) != 2 || !strings.Contains(got[0].Err, "no platform certificate") || got[1].Status != 204 {
			t.Errorf("recorded %+v", got)
		}
	})
}

func TestSensitiveFieldsByCertificate(t *testing.T) {
	t.Parallel()
	s, _ := newCertificateShop(t, Switching)
	c := s.merchant.Certificates[0]
	block, _ := pem.Decode(c.PEM)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealFor(t, parsed.PublicKey.(*rsa.PublicKey), "6222", crypto.SHA1)
	body := abnormalBody("R1", "USER_BANK_CARD", `,"bank_account":"`+sealed+`"`)
	path := refundPath + "/503/apply-abnormal-refund"
	s.send("POST", path, body, named(c.Serial)).want(404, "RESOURCE_NOT_EXISTS") // read well; no such refund
	s.send("POST", path, body, named(s.merchant.PublicKeyID)).want(400, "PARAM_ERROR")
	s.send("POST", path, body, named(s.merchant.Certificates[1].Serial)).want(400, "INVALID_REQUEST") // not yet
}

func TestCertificateModes(t *testing.T) {
	t.Parallel()
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []CertificateMode{CertificatesOnly, Switching} {
		if _, err := New(Options{Merchant: m, Certificates: mode}); err == nil {
			t.Errorf("mode %d without a certificate: no error", mode)
		}
	}
	if m, err = oldAndNew(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []CertificateMode{-1, Switching + 1} {
		if _, err := New(Options{Merchant: m, Certificates: mode}); err == nil {
			t.Errorf("mode %d: no error", mode)
		}
	}
	sim, err := New(Options{Certificates: CertificatesOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	if c := sim.Merchant().Certificates; len(c) != 1 || time.Since(c[0].From) < 23*time.Hour {
		t.Errorf("certificates %v", c)
	}
}

func TestIssueCertificate(t *testing.T) {
	t.Parallel()
	m, err := oldAndNew()
	if err != nil {
		t.Fatal(err)
	}
	a, b := m.Certificates[0], m.Certificates[1]
	if a.Serial == b.Serial || !regexp.MustCompile(`^[1-7][0-9A-F]{39}$`).MatchString(a.Serial) ||
		!b.From.Equal(noon().Add(6*time.Hour)) || !b.Until.Equal(noon().AddDate(5, 0, 0).Add(6*time.Hour)) {
		t.Errorf("certificates %s from %v, %s from %v", a.Serial, a.From, b.Serial, b.From)
	}
	first, second := *m, *m
	if err := errors.Join(first.IssueCertificate(noon()), second.IssueCertificate(noon())); err != nil {
		t.Fatal(err)
	}
	if len(m.Certificates) != 2 || first.Certificates[2].Serial == second.Certificates[2].Serial {
		t.Error("copies of a merchant share certificates")
	}
	broken := *m
	broken.rootKeyPEM = m.PrivateKeyPEM
	if broken.IssueCertificate(noon()) == nil {
		t.Error("a root with another's key issues")
	}
}

func TestCertificatesAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sim")
	m, err := oldAndNew()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir, "http://127.0.0.1:9090"); err != nil {
		t.Fatal(err)
	}
	again, err := OpenMerchant(dir)
	if err != nil || len(again.Certificates) != 2 || !reflect.DeepEqual(again, m) {
		t.Errorf("reopened %+v: %v", again, err)
	}
	whole := read(t, dir, stateFile)
	for name, text := range map[string]string{
		"no certificate": strings.Replace(whole, "BEGIN CERTIFICATE", "BEGIN NOTHING", 1),
		"broken DER":     regexp.MustCompile(`(BEGIN CERTIFICATE-----\\n)....`).ReplaceAllString(whole, "${1}AAAA"),
		"another key": regexp.MustCompile(`"private_key": "[^"]*"`).ReplaceAllString(whole,
			`"private_key": `+string(encode(string(m.PrivateKeyPEM)))),
		"no key": regexp.MustCompile(`"private_key": "[^"]*"`).ReplaceAllString(whole, `"private_key": ""`),
	} {
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenMerchant(dir); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSigningByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, got, _ := s.control("GET", "/_sim/signing", "")
	if got["public_key_share"] != 50.0 || got["newest_share"] != 100.0 {
		t.Errorf("default %v", got)
	}
	status, got, _ := s.control("POST", "/_sim/signing", `{"public_key_share":1,"newest_share":20}`)
	if status != 200 || got["newest_share"] != 20.0 || s.sim.Signing() != (Signing{1, 20}) {
		t.Errorf("%d %v", status, got)
	}
	for _, body := range []string{`{"public_key_share":101}`, `{"newest_share":-1}`, `{"share":1}`} {
		status, got, _ := s.control("POST", "/_sim/signing", body)
		if status != 400 || got["error"] != "invalid_request" {
			t.Errorf("%s: %d %v", body, status, got)
		}
	}
}

// Of 100 occasions exactly the share, for every share, and never two in a row up to a half.
func TestTally(t *testing.T) {
	t.Parallel()
	for share := range 101 {
		var count tally
		strikes, inARow, before := 0, false, false
		for range 100 {
			now := count.next(share)
			if now {
				strikes++
			}
			inARow = inARow || now && before
			before = now
		}
		if strikes != share || inARow && share <= 50 {
			t.Errorf("share %d: %d strikes", share, strikes)
		}
	}
}

// The newest certificate is the one that begins last, in whatever order they were made.
func TestNewestCertificate(t *testing.T) {
	t.Parallel()
	m, err := oldAndNew()
	if err != nil {
		t.Fatal(err)
	}
	turned := *m
	turned.Certificates = []Certificate{m.Certificates[1], m.Certificates[0]}
	s := newShop(t, func(o *Options) {
		o.Merchant, o.Certificates = &turned, CertificatesOnly
		o.Now = func() time.Time { return noon().Add(24 * time.Hour) }
	})
	a := s.send("GET", "/v3/certificates", "").want(200, "")
	if got := a.header.Get("Wechatpay-Serial"); got != m.Certificates[1].Serial {
		t.Errorf("signed by %s, want the newest, %s", got, m.Certificates[1].Serial)
	}
}
