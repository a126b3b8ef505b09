package wechatsim

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

const echoPath = "/v3/security/echo"

// openSecret decrypts what WeChat Pay encrypted for the merchant.
func (s *shop) openSecret(sealed any) string {
	s.t.Helper()
	raw, err := base64.StdEncoding.DecodeString(sealed.(string))
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode(s.merchant.PrivateKeyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, key.(*rsa.PrivateKey), raw, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(plain)
}

func TestEcho(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		body := `{"echo_message":"你好 <&>","encrypted_echo_message":"` + s.secret("悄悄话", crypto.SHA1) +
			`","notify_url":"https://shop.example/echo"}`
		a := s.send("POST", echoPath, body, named(s.merchant.PublicKeyID)).want(200, "").wantNumber("0")
		if err := s.verify(a.header, a.body); err != nil {
			t.Error(err)
		}
		got := fields(t, a.body)
		if len(got) != 2 || got["echo_message"] != "你好 <&>" || s.openSecret(got["encrypted_echo_message"]) != "悄悄话" {
			t.Errorf("answer %v", got)
		}
		synctest.Wait()
		sends := s.inbox.all()
		if len(sends) != 1 || sends[0].url != "https://shop.example/echo" {
			t.Fatalf("sends %+v", sends)
		}
		outer, inner, err := s.open(sends[0])
		if err != nil || outer["event_type"] != "SECURITY_ECHO.SUCCESS" ||
			outer["resource"].(map[string]any)["original_type"] != "security" {
			t.Errorf("envelope %v: %v", outer, err)
		}
		if len(inner) != 2 || inner["echo_message"] != "你好 <&>" ||
			s.openSecret(inner["encrypt_echo_message"]) != "悄悄话" {
			t.Errorf("content %v", inner)
		}
		echoes := s.sim.Echoes()
		if len(echoes) != 1 || echoes[0].Message != "你好 <&>" || len(echoes[0].Callbacks) != 1 ||
			echoes[0].Callbacks[0].Status != 204 {
			t.Errorf("echoes %+v", echoes)
		}
	})
}

func TestEchoWithoutACallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		a := s.send("POST", echoPath, `{"echo_message":"x"}`, named(s.merchant.PublicKeyID)).want(200, "")
		time.Sleep(time.Hour)
		if a.body != `{"echo_message":"x"}` || len(s.inbox.all()) != 0 || len(s.sim.Echoes()) != 0 {
			t.Errorf("answer %s, %d callbacks", a.body, len(s.inbox.all()))
		}
	})
}

func TestEchoRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for body, code := range map[string]string{
		`{}`:                              "PARAM_ERROR",
		`{"echo_message":""}`:             "PARAM_ERROR",
		`{"echo_message":"x","mchid":""}`: "PARAM_ERROR",
		`{"echo_message":"x","notify_url":"https://shop.example/?a=1"}`:                             "PARAM_ERROR",
		`{"echo_message":"x","encrypted_echo_message":"x"}`:                                         "PARAM_ERROR",
		`{"echo_message":"x","encrypted_echo_message":"` + s.secret("x", crypto.SHA256) + `"}`:      "PARAM_ERROR",
		`{"echo_message":"x","encrypted_echo_message":"` + s.secret("x", crypto.SHA1)[4:] + `"}`:    "PARAM_ERROR",
		`{"echo_message":"x","encrypted_echo_message":"` + s.secret("x", crypto.SHA1) + `"} {"a":1`: "INVALID_REQUEST",
	} {
		s.send("POST", echoPath, body, named(s.merchant.PublicKeyID)).want(400, code)
	}
	s.send("POST", echoPath, `{"echo_message":"x"}`).want(400, "INVALID_REQUEST")
	s.send("POST", echoPath, `{"echo_message":"x"}`, named(s.merchant.Serial)).want(400, "INVALID_REQUEST")
	s.sim.SetFaults(Faults{Echo: CallFaults{BadSignature: 1, ErrorBefore: 1}})
	s.send("POST", echoPath, `{"echo_message":"x"}`, named(s.merchant.PublicKeyID)).want(500, "SYSTEM_ERROR")
	a := s.send("POST", echoPath, `{"echo_message":"x"}`, named(s.merchant.PublicKeyID)).want(200, "")
	if s.verify(a.header, a.body) == nil {
		t.Error("a bad signature verifies")
	}
}

// The schedule of its own, added up by hand: ten sends.
func TestEchoSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.inbox.answer = refuseAll
		start := time.Now()
		body := `{"echo_message":"x","notify_url":"https://shop.example/echo"}`
		s.send("POST", echoPath, body, named(s.merchant.PublicKeyID)).want(200, "")
		time.Sleep(48 * time.Hour)
		const x = time.Second
		want := []time.Duration{0, 15 * x, 30 * x, 60 * x, 240 * x, 2040 * x, 3840 * x, 5640 * x, 7440 * x, 11040 * x}
		if got := s.inbox.offsets(start); !reflect.DeepEqual(got, want) {
			t.Errorf("sent at %v, want %v", got, want)
		}
	})
}

// While a merchant changes over, the named key signs answer and callback: so it is tried whether it would work.
func TestEchoWhileSwitching(t *testing.T) {
	t.Parallel()
	if _, err := oldAndNew(); err != nil { // outside of the bubble
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, clock := newCertificateShop(t, Switching)
		clock.advance(6 * time.Hour)
		for i, serial := range []string{s.merchant.PublicKeyID, s.merchant.Certificates[0].Serial,
			s.merchant.Certificates[1].Serial, s.merchant.PublicKeyID} {
			a := s.send("POST", echoPath, `{"echo_message":"x","notify_url":"https://shop.example/echo"}`,
				named(serial)).want(200, "")
			synctest.Wait()
			sends := s.inbox.all()
			want := [...]string{"public key", "old", "new", "public key"}[i]
			answer, callback := s.signedBy(a.header, a.body), s.signedBy(sends[i].header, sends[i].body)
			if answer != want || callback != want {
				t.Errorf("answer signed by %s, callback by %s, want %s", answer, callback, want)
			}
		}
	})
}

// The lies of callbacks are about orders; there is none in an echo.
func TestEchoCallbackFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.inbox.answer = refuseAll
		s.sim.SetFaults(Faults{Callback: CallbackFaults{WrongAmount: 1, OtherMerchant: 1}})
		s.send("POST", echoPath, `{"echo_message":"x","notify_url":"https://shop.example/echo"}`,
			named(s.merchant.PublicKeyID)).want(200, "")
		time.Sleep(20 * time.Second)
		for _, r := range s.inbox.all() {
			if _, inner, err := s.open(r); err != nil || inner["echo_message"] != "x" {
				t.Errorf("content %v: %v", inner, err)
			}
		}
		if got := s.sim.Echoes()[0].Callbacks; len(got) != 2 || got[1].Fault != "other_merchant" {
			t.Errorf("recorded %+v", got)
		}
	})
}
