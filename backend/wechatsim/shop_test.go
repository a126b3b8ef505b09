package wechatsim

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// sharedMerchant saves the tests from making RSA keys again and again; nothing changes it.
var sharedMerchant = sync.OnceValues(NewMerchant)

// A shop is a tiny client of WeChat Pay, written from the documentation and apart from the code under test: it signs
// requests, verifies answers and callbacks, and decrypts.
type shop struct {
	t        *testing.T
	sim      *Server
	merchant *Merchant
	inbox    *inbox
	now      func() time.Time
}

// newShop starts a simulator whose callbacks land in the shop's inbox.
func newShop(t *testing.T, edit ...func(*Options)) *shop {
	t.Helper()
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	own := *m
	box := &inbox{}
	o := Options{Merchant: &own, Transport: box}
	for _, e := range edit {
		e(&o)
	}
	sim, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	s := &shop{t: t, sim: sim, merchant: o.Merchant, inbox: box, now: time.Now}
	if o.Now != nil {
		s.now = o.Now
	}
	return s
}

// noon is a clock that stands still.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, beijing()) }

// A handClock moves only when a test moves it.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newShopAtNoon shares one hand-moved clock between shop and simulator.
func newShopAtNoon(t *testing.T) (*shop, *handClock) {
	t.Helper()
	clock := &handClock{now: noon()}
	return newShop(t, func(o *Options) { o.Now = clock.time }), clock
}

// A draft is a request before it is signed; tests spoil its parts.
type draft struct {
	method, target, body                    string
	scheme, mchID, nonce, timestamp, serial string
	signature                               string // "": the right one
	authorization                           string // "": made of the above
	header                                  http.Header
}

// An answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	error  struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Detail  *struct {
			Field    string `json:"field"`
			Value    any    `json:"value"`
			Issue    string `json:"issue"`
			Location string `json:"location"`
		} `json:"detail"`
	}
}

func (s *shop) send(method, target, body string, edits ...func(*draft)) answer {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, s.request(method, target, body, edits...))
	return s.read(w.Result())
}

// request makes a signed request.
func (s *shop) request(method, target, body string, edits ...func(*draft)) *http.Request {
	s.t.Helper()
	d := draft{method: method, target: target, body: body, scheme: "WECHATPAY2-SHA256-RSA2048",
		mchID: s.merchant.MchID, nonce: rand.Text(), timestamp: fmt.Sprint(s.now().Unix()), serial: s.merchant.Serial,
		header: http.Header{"Accept": {"application/json"}, "User-Agent": {"shop/1"},
			"Content-Type": {"application/json"}}}
	for _, e := range edits {
		e(&d)
	}
	if d.signature == "" {
		message := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n", method, target, d.timestamp, d.nonce, body)
		d.signature = s.sign(message)
	}
	if d.authorization == "" {
		d.authorization = fmt.Sprintf(`%s mchid="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`,
			d.scheme, d.mchID, d.nonce, d.signature, d.timestamp, d.serial)
	}
	d.header.Set("Authorization", d.authorization)
	r := httptest.NewRequest(d.method, d.target, strings.NewReader(d.body))
	r.Header = d.header
	return r
}

func (s *shop) sign(message string) string {
	s.t.Helper()
	block, _ := pem.Decode(s.merchant.PrivateKeyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(message))
	raw, err := rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		s.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// read holds every answer against the rules common to all: 2xx signed, all others not.
func (s *shop) read(r *http.Response) answer {
	s.t.Helper()
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	a := answer{t: s.t, status: r.StatusCode, header: r.Header, body: string(body)}
	if a.status < 300 {
		return a
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Wechatpay-") {
			s.t.Errorf("a %d answer carries %s", a.status, name)
		}
	}
	if a.body != "" {
		if err := json.Unmarshal(body, &a.error); err != nil || a.error.Code == "" || a.error.Message == "" {
			s.t.Errorf("error body %q: %v", body, err)
		}
	}
	return a
}

// want fails unless the answer has this status and, for an error, this code.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || a.error.Code != code {
		a.t.Fatalf("answer %d %q, want %d %q: %s", a.status, a.error.Code, status, code, a.body)
	}
	return a
}

// wantNumber fails unless the Request-ID ends with the number.
func (a answer) wantNumber(number string) answer {
	a.t.Helper()
	if id := a.header.Get("Request-ID"); !strings.HasSuffix(id, "-"+number) {
		a.t.Errorf("Request-ID %q, want it to end with -%s", id, number)
	}
	return a
}

// verify checks the Wechatpay-* headers of an answer or a callback as the documentation demands.
func (s *shop) verify(h http.Header, body string) error {
	if h.Get("Wechatpay-Serial") != s.merchant.PublicKeyID {
		return fmt.Errorf("serial %q", h.Get("Wechatpay-Serial"))
	}
	if h.Get("Wechatpay-Signature-Type") != "WECHATPAY2-SHA256-RSA2048" {
		return fmt.Errorf("signature type %q", h.Get("Wechatpay-Signature-Type"))
	}
	var seconds int64
	if _, err := fmt.Sscan(h.Get("Wechatpay-Timestamp"), &seconds); err != nil {
		return err
	}
	if age := s.now().Sub(time.Unix(seconds, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("timestamp is %v old", age)
	}
	raw, err := base64.StdEncoding.DecodeString(h.Get("Wechatpay-Signature"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(s.merchant.PublicKeyPEM)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(h.Get("Wechatpay-Timestamp") + "\n" + h.Get("Wechatpay-Nonce") + "\n" + body + "\n"))
	return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, sum[:], raw)
}

// order is a request body with the least of fields. extra adds members, such as `,"attach":"x"`.
func (s *shop) order(number, extra string) string {
	return fmt.Sprintf(`{"appid":"%s","mchid":"%s","description":"拿铁","out_trade_no":"%s",`+
		`"notify_url":"https://shop.example/notify","amount":{"total":1280}%s}`,
		s.merchant.AppID, s.merchant.MchID, number, extra)
}

const nativePath = "/v3/pay/transactions/native"

// prepay makes an order and gives its code.
func (s *shop) prepay(number string) string {
	s.t.Helper()
	return s.codeURL(s.send("POST", nativePath, s.order(number, "")))
}

func (s *shop) codeURL(a answer) string {
	s.t.Helper()
	a.want(200, "").wantNumber("0")
	if err := s.verify(a.header, a.body); err != nil {
		s.t.Fatalf("answer does not verify: %v", err)
	}
	var got struct {
		CodeURL string `json:"code_url"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.CodeURL == "" {
		s.t.Fatalf("prepay answer %s: %v", a.body, err)
	}
	return got.CodeURL
}

// query asks for an order and gives its fields.
func (s *shop) query(number string) map[string]any {
	s.t.Helper()
	a := s.send("GET", "/v3/pay/transactions/out-trade-no/"+number+"?mchid="+s.merchant.MchID, "").want(200, "")
	if err := s.verify(a.header, a.body); err != nil {
		s.t.Fatalf("answer does not verify: %v", err)
	}
	return fields(s.t, a.body)
}

func (s *shop) close(number string) answer {
	s.t.Helper()
	return s.send("POST", "/v3/pay/transactions/out-trade-no/"+number+"/close", `{"mchid":"`+s.merchant.MchID+`"}`)
}

func (s *shop) pay(codeURL string) Trade {
	s.t.Helper()
	trade, err := s.sim.Pay(codeURL, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return trade
}

func (s *shop) wantState(number, state string) {
	s.t.Helper()
	if got := s.query(number)["trade_state"]; got != state {
		s.t.Fatalf("order %s is %v, want %s", number, got, state)
	}
}

func fields(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

// An inbox receives callbacks in place of the network.
type inbox struct {
	mu     sync.Mutex
	sends  []received
	answer func(n int, r *http.Request) (status int, err error) // nil: 204; n counts from 1
}

type received struct {
	at     time.Time
	method string
	url    string
	header http.Header
	body   string
}

func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.sends = append(b.sends, received{time.Now(), r.Method, r.URL.String(), r.Header.Clone(), string(body)})
	n := len(b.sends)
	b.mu.Unlock()
	status := http.StatusNoContent
	if b.answer != nil {
		if status, err = b.answer(n, r); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	return w.Result(), nil
}

func (b *inbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received{}, b.sends...)
}

// open verifies and decrypts a callback, and gives the fields of the envelope and of the transaction in it.
func (s *shop) open(r received) (outer, inner map[string]any, err error) {
	if err := s.verify(r.header, r.body); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal([]byte(r.body), &outer); err != nil {
		return nil, nil, err
	}
	box, ok := outer["resource"].(map[string]any)
	if !ok {
		return outer, nil, errors.New("no resource")
	}
	nonce, _ := box["nonce"].(string)
	if len(nonce) != 12 {
		return outer, nil, fmt.Errorf("nonce has %d bytes", len(nonce))
	}
	associated, _ := box["associated_data"].(string)
	sealed, err := base64.StdEncoding.DecodeString(box["ciphertext"].(string))
	if err != nil {
		return outer, nil, err
	}
	block, err := aes.NewCipher([]byte(s.merchant.APIv3Key))
	if err != nil {
		return outer, nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return outer, nil, err
	}
	plain, err := gcm.Open(nil, []byte(nonce), sealed, []byte(associated))
	if err != nil {
		return outer, nil, err
	}
	return outer, inner, json.Unmarshal(plain, &inner)
}

// accept is a careful merchant: it verifies, decrypts and compares with its own order of total fen.
func (s *shop) accept(r received, total float64) error {
	_, inner, err := s.open(r)
	if err != nil {
		return err
	}
	if inner["mchid"] != s.merchant.MchID || inner["appid"] != s.merchant.AppID {
		return fmt.Errorf("mchid %v, appid %v", inner["mchid"], inner["appid"])
	}
	if got, _ := inner["amount"].(map[string]any); got["total"] != total || got["currency"] != "CNY" {
		return fmt.Errorf("amount %v %v", got["total"], got["currency"])
	}
	return nil
}
