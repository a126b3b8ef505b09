package wechat

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// A legacy is a merchant of platform certificates before a simulator, in virtual time.
type legacy struct {
	*Gateway
	t         *testing.T
	sim       *wechatsim.Server
	account   Account
	downloads atomic.Int64                                                  // of certificates
	spoil     atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // answers in WeChat Pay's place, if it says so

	mu       sync.Mutex
	openings []error // of callbacks
}

// certificateKeys is a merchant with two certificates, made once: one of four years ago, one that begins in 90 days.
var certificateKeys = sync.OnceValues(func() (*wechatsim.Merchant, error) {
	m, err := wechatsim.NewMerchant()
	if err == nil {
		err = errors.Join(m.IssueCertificate(bubble().AddDate(-4, -9, 0)), m.IssueCertificate(bubble().AddDate(0, 0, 30)))
	}
	return m, err
})

// bubble is when virtual time begins.
func bubble() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func inLegacy(t *testing.T, mode wechatsim.CertificateMode, f func(t *testing.T, s *legacy)) {
	t.Helper()
	t.Parallel()
	keys, err := certificateKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &legacy{t: t}
		m := *keys
		s.sim, err = wechatsim.New(wechatsim.Options{Merchant: &m, Certificates: mode, Transport: handled(s.callback)})
		if err != nil {
			t.Fatal(err)
		}
		s.account = Account{
			APIURL: "https://wechat.test", AppID: m.AppID, MchID: m.MchID, Serial: m.Serial, APIv3Key: m.APIv3Key,
			NotifyURL: "https://pay.test/notify/cafe/payment",
		}
		if s.account.PrivateKey, err = ParsePrivateKey(m.PrivateKeyPEM); err != nil {
			t.Fatal(err)
		}
		s.Gateway, err = New(map[pay.MerchantID]Account{cafe: s.account}, Options{Transport: handled(s.api)})
		if err != nil {
			t.Fatal(err)
		}
		f(t, s)
		if err := s.sim.Close(); err != nil {
			t.Error(err)
		}
	})
}

// handled carries requests to a handler without a network, so that virtual time can pass.
func handled(h http.HandlerFunc) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		in := r.Clone(r.Context())
		in.RequestURI = r.URL.RequestURI()
		if in.Body == nil {
			in.Body = http.NoBody
		}
		rec := httptest.NewRecorder()
		h(rec, in)
		return rec.Result(), nil
	})
}

func (s *legacy) api(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v3/certificates" {
		s.downloads.Add(1)
		if f := s.spoil.Load(); f != nil && (*f)(w, r) {
			return
		}
	}
	s.sim.ServeHTTP(w, r)
}

func (s *legacy) callback(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		_, err = s.OpenPayment(cafe, r.Header, body)
	}
	s.mu.Lock()
	s.openings = append(s.openings, err)
	s.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// sells makes an order, has it paid and returns what became of the callbacks.
func (s *legacy) sells(number string) (callbacks []error) {
	s.t.Helper()
	request, err := s.Compose(pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 2800, Description: "拿铁", ExpiresAt: time.Now().Add(15 * time.Minute),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	codeURL, err := s.Prepay(s.t.Context(), cafe, pay.Native, request)
	if err != nil {
		s.t.Fatalf("%s: %v", number, err)
	}
	s.mu.Lock()
	s.openings = nil
	s.mu.Unlock()
	if _, err := s.sim.Pay(codeURL, ""); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openings
}

// sold fails unless the first callback was good.
func (s *legacy) sold(number string) {
	s.t.Helper()
	if got := s.sells(number); len(got) != 1 || got[0] != nil {
		s.t.Errorf("%s: callbacks %v; want one that is good", number, got)
	}
}

func (s *legacy) wantDownloads(n int64) {
	s.t.Helper()
	if got := s.downloads.Load(); got != n {
		s.t.Errorf("%d downloads; want %d", got, n)
	}
}

// The certificates are fetched when the first answer comes, and not again until they are old.
func TestCertificatesAreFetchedWhenNeeded(t *testing.T) {
	inLegacy(t, wechatsim.CertificatesOnly, func(t *testing.T, s *legacy) {
		s.wantDownloads(0)
		s.sold("ORDER0001")
		s.sold("ORDER0002")
		s.wantDownloads(1)
		for range 48 { // a day, every half hour
			if err := s.RefreshCertificates(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Minute)
		}
		s.wantDownloads(3)
	})
}

// WeChat Pay moves from one certificate to the next in grey steps; the first expires afterwards.
func TestCertificatesAreRotated(t *testing.T) {
	inLegacy(t, wechatsim.CertificatesOnly, func(t *testing.T, s *legacy) {
		s.sold("ORDER0001")
		old, _, _ := s.Gateway.account(cafe).keys.certificates.newest()
		time.Sleep(31 * 24 * time.Hour) // nobody refreshes: the new one is met in an answer
		for i, share := range []int{0, 1, 10, 50, 100} {
			if err := s.sim.SetSigning(wechatsim.Signing{NewestShare: share}); err != nil {
				t.Fatal(err)
			}
			for j := range 3 {
				s.sold("ORDER1" + string(rune('0'+i)) + string(rune('0'+j)) + "00")
			}
		}
		if s.downloads.Load() > 2 {
			t.Errorf("%d downloads", s.downloads.Load())
		}
		time.Sleep(70 * 24 * time.Hour)
		s.sold("ORDER2000")
		if err := s.RefreshCertificates(t.Context()); err != nil {
			t.Fatal(err)
		}
		held := *s.Gateway.account(cafe).keys.certificates.held.Load()
		if _, still := held[old]; still || len(held) != 1 {
			t.Errorf("%d certificates are held, the expired one: %t", len(held), still)
		}
	})
}

// From certificates to both to the public key, in WeChat Pay's grey steps, without a lost callback.
func TestSwitchToThePublicKey(t *testing.T) {
	inLegacy(t, wechatsim.Switching, func(t *testing.T, s *legacy) {
		m := s.sim.Merchant()
		share := func(n int) {
			if err := s.sim.SetSigning(wechatsim.Signing{PublicKeyShare: n, NewestShare: 100}); err != nil {
				t.Fatal(err)
			}
		}
		replace := func(change func(a *Account)) {
			change(&s.account)
			if err := s.Replace(map[pay.MerchantID]Account{cafe: s.account}); err != nil {
				t.Fatal(err)
			}
		}
		public, err := ParsePublicKey(m.PublicKeyPEM)
		if err != nil {
			t.Fatal(err)
		}
		share(0)
		s.sold("ORDER0001") // by certificates
		replace(func(a *Account) { a.PublicKeyID, a.PublicKey, a.PlatformCertificates = m.PublicKeyID, public, true })
		for i, n := range []int{0, 1, 5, 10, 20, 50, 100} {
			share(n)
			for j := range 4 {
				s.sold("ORDER1" + string(rune('0'+i)) + string(rune('0'+j)) + "00")
			}
		}
		s.wantDownloads(1) // what was known stays known when the account changes
		replace(func(a *Account) { a.PlatformCertificates = false })
		s.sold("ORDER2000")
		share(0)
		got := s.sells("ORDER3000")
		if len(got) != 1 || got[0] == nil || !strings.Contains(got[0].Error(), "platform_certificates = true") {
			t.Errorf("a certificate after the switch: %v; want it refused, with what to set", got)
		}
	})
}

// A serial that nobody knows is looked for at once, but not by every stranger's request.
func TestUnknownCertificate(t *testing.T) {
	inLegacy(t, wechatsim.CertificatesOnly, func(t *testing.T, s *legacy) {
		s.sold("ORDER0001")
		time.Sleep(time.Minute)
		body := []byte(`{}`)
		for range 100 {
			h := http.Header{}
			sign(h, keys().strangers, time.Now(), body)
			h.Set("Wechatpay-Serial", strings.Repeat("AB", 20))
			_, err := s.OpenPayment(cafe, h, body)
			if r, ok := errors.AsType[*Rejection](err); !ok || r.Reason != UnknownKey {
				t.Fatalf("got %v; want %s", err, UnknownKey)
			}
		}
		s.wantDownloads(2)
		// The name of a certificate that is known does not make a signature.
		serial, _, _ := s.Gateway.account(cafe).keys.certificates.newest()
		h := http.Header{}
		sign(h, keys().strangers, time.Now(), body)
		h.Set("Wechatpay-Serial", serial)
		_, err := s.OpenPayment(cafe, h, body)
		if r, ok := errors.AsType[*Rejection](err); !ok || r.Reason != Forged {
			t.Errorf("got %v; want %s", err, Forged)
		}
	})
}

// A merchant in public-key mode is told what to set, and one whose download fails is served when it is back.
func TestNoCertificates(t *testing.T) {
	inLegacy(t, wechatsim.PublicKeyOnly, func(t *testing.T, s *legacy) {
		err := s.RefreshCertificates(t.Context())
		if err == nil || !strings.Contains(err.Error(), "public_key_id") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v; want one line that names public_key_id", err)
		}
		_, err = s.Query(t.Context(), cafe, "ORDER0001")
		wantFailure(t, err, "query", pay.Missing, "ORDER_NOT_EXIST") // errors are not signed
	})
}

func TestCertificatesComeLater(t *testing.T) {
	inLegacy(t, wechatsim.CertificatesOnly, func(t *testing.T, s *legacy) {
		down := func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
		s.spoil.Store(&down)
		request, err := s.Compose(pay.Prepay{Merchant: cafe, OutTradeNo: "ORDER0001", Total: 1, Description: "x", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Prepay(t.Context(), cafe, pay.Native, request)
		if e, ok := errors.AsType[*pay.GatewayError](err); !ok || e.Outcome != pay.Unsure {
			t.Errorf("got %v; want it unsure", err)
		}
		s.spoil.Store(nil)
		time.Sleep(certificatesGap)
		s.sold("ORDER0002")
	})
}

// What does not come from WeChat Pay, or not whole, is not taken.
func TestForgedCertificatesAreRefused(t *testing.T) {
	other, err := wechatsim.NewMerchant()
	if err == nil {
		err = other.IssueCertificate(bubble())
	}
	if err != nil {
		t.Fatal(err)
	}
	inLegacy(t, wechatsim.CertificatesOnly, func(t *testing.T, s *legacy) {
		m := s.sim.Merchant()
		genuine := string(m.Certificates[0].PEM)
		list := func(serial, key, nonce, text string) []byte {
			return encode(object{"data": []object{{"serial_no": serial, "encrypt_certificate": object{
				"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": "certificate",
				"ciphertext": seal(key, nonce, "certificate", text)}}}})
		}
		const nonce = "fdasflkja484"
		good := m.Certificates[0].Serial
		for name, c := range map[string]struct {
			body []byte
			says string
		}{
			"another api v3 key":     {list(good, apiV3Key, nonce, genuine), "api_v3_key"},
			"another serial":         {list(strings.Repeat("AB", 20), m.APIv3Key, nonce, genuine), "serial"},
			"a key in its place":     {list(good, m.APIv3Key, nonce, string(m.PublicKeyPEM)), "CERTIFICATE"},
			"two in one":             {list(good, m.APIv3Key, nonce, genuine+genuine), "CERTIFICATE"},
			"not signed with itself": {list(good, m.APIv3Key, nonce, genuine), "not signed"},
			"empty":                  {encode(object{"data": []object{}}), "empty"},
			"not JSON":               {[]byte("certificates"), "decode"},
			"a short nonce":          {list(good, m.APIv3Key, "short", genuine), "nonce"},
			"of another issuer":      {list(foreign(t).serial, m.APIv3Key, nonce, foreign(t).text), "issuer"},
		} {
			answer := func(w http.ResponseWriter, _ *http.Request) bool {
				sign(w.Header(), keys().strangers, time.Now(), c.body)
				w.Header().Set("Wechatpay-Serial", good)
				_, err := w.Write(c.body)
				return err == nil
			}
			s.spoil.Store(&answer)
			time.Sleep(certificatesGap)
			err := s.RefreshCertificates(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.says) || len(*s.Gateway.account(cafe).keys.certificates.held.Load()) != 0 {
				t.Errorf("%s: got %v; want it refused for %q", name, err, c.says)
			}
		}
		s.spoil.Store(nil)
		time.Sleep(certificatesGap)
		s.sold("ORDER0001")
	})
}
