package wechat

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

const nonce = "0123456789ab"

// A callback in the making, right unless a test changes it.
type callback struct {
	plain     object // what is encrypted
	key       string
	nonce     string
	aad       string
	resource  func(object)        // changes the resource
	envelope  func(object)        // changes the envelope
	body      func([]byte) []byte // changes what is signed
	signer    *rsa.PrivateKey
	at        time.Time
	header    func(http.Header) // changes the signed headers
	delivered func([]byte) []byte
}

// make returns headers and body as they arrive.
func (c callback) make() (http.Header, []byte) {
	sealed := object{
		"algorithm": algorithm, "original_type": "transaction", "nonce": c.nonce, "associated_data": c.aad,
		"ciphertext": seal(c.key, c.nonce, c.aad, string(encode(c.plain))),
	}
	if c.resource != nil {
		c.resource(sealed)
	}
	o := object{
		"id": "EV-2018022511223320873", "create_time": "2026-01-01T12:00:01+08:00", "resource_type": "encrypt-resource",
		"event_type": "TRANSACTION.SUCCESS", "summary": "支付成功", "resource": sealed,
	}
	if c.envelope != nil {
		c.envelope(o)
	}
	body := encode(o)
	if c.body != nil {
		body = c.body(body)
	}
	h := http.Header{"Cookie": {"session=s3cr3t"}, "Content-Type": {"application/json"}}
	sign(h, c.signer, c.at, body)
	if c.header != nil {
		c.header(h)
	}
	if c.delivered != nil {
		body = c.delivered(body)
	}
	return h, body
}

func goodCallback() callback {
	return callback{
		plain: payment(), key: apiV3Key, nonce: nonce, aad: "transaction", signer: keys().wechats, at: time.Now(),
	}
}

func TestOpenPayment(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	for name, change := range map[string]func(c *callback){
		"as usual":              func(*callback) {},
		"empty associated_data": func(c *callback) { c.aad = "" },
		"no associated_data": func(c *callback) {
			c.aad = ""
			c.resource = func(o object) { delete(o, "associated_data") }
		},
		"no signature type": func(c *callback) { c.header = func(h http.Header) { h.Del("Wechatpay-Signature-Type") } },
		"new fields":        func(c *callback) { c.envelope = func(o object) { o["new"] = []any{nil, "x"} } },
		"reordered JSON": func(c *callback) {
			c.body = func(body []byte) []byte {
				// Maps are encoded by name; this puts the last field in front.
				i := bytes.LastIndex(body, []byte(`,"summary"`))
				return fmt.Appendf(nil, "{%s%s }\n", body[i+1:len(body)-1], append([]byte(","), body[1:i]...))
			}
		},
		"four minutes late":  func(c *callback) { c.at = time.Now().Add(-4 * time.Minute) },
		"four minutes early": func(c *callback) { c.at = time.Now().Add(4 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := goodCallback()
			change(&c)
			h, body := c.make()
			n, err := g.OpenPayment(cafe, h, body)
			if err != nil {
				t.Fatal(err)
			}
			wantNotice(t, n, paymentNotice(pay.FromCallback))
		})
	}
}

// TestOpenPaymentLowerCase reads the headers off a connection, as proxies of HTTP/2 write them.
func TestOpenPaymentLowerCase(t *testing.T) {
	t.Parallel()
	h, body := goodCallback().make()
	var text strings.Builder
	fmt.Fprintf(&text, "POST /notify/cafe/payment HTTP/1.1\r\nhost: pay.example\r\ncontent-length: %d\r\n", len(body))
	for name := range h {
		fmt.Fprintf(&text, "%s: %s\r\n", strings.ToLower(name), h.Get(name))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text.String() + "\r\n" + string(body))))
	if err != nil {
		t.Fatal(err)
	}
	n, err := newGateway(t, "", nil).OpenPayment(cafe, r.Header, body)
	if err != nil {
		t.Fatal(err)
	}
	wantNotice(t, n, paymentNotice(pay.FromCallback))
}

func TestOpenPaymentPassesOnWhatSettleCompares(t *testing.T) {
	t.Parallel()
	c := goodCallback()
	c.plain["mchid"], c.plain["appid"] = "1900000001", "wx0000000000000000"
	c.plain["amount"] = object{"total": 7, "currency": "USD"}
	h, body := c.make()
	n, err := newGateway(t, "", nil).OpenPayment(cafe, h, body)
	if err != nil {
		t.Fatal(err)
	}
	if n.MchID != "1900000001" || n.AppID != "wx0000000000000000" || n.Total != 7 || n.Currency != "USD" {
		t.Errorf("notice %+v, want what the callback says", n)
	}
}

// A rejection is a change that spoils a callback, and what is said about it.
type rejection struct {
	change func(c *callback)
	reason Reason
	text   string
}

func wantRejected(t *testing.T, tests map[string]rejection) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := goodCallback()
			test.change(&c)
			h, body := c.make()
			n, err := newGateway(t, "", nil).OpenPayment(cafe, h, body)
			r, ok := errors.AsType[*Rejection](err)
			if !ok {
				t.Fatalf("%+v, %v, want a Rejection", n, err)
			}
			wantSafe(t, err)
			if n != (pay.Notice{}) {
				t.Errorf("a notice beside the error: %+v", n)
			}
			if r.Reason != test.reason || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q, want %q with %q", err, test.reason, test.text)
			}
			if r.Harmless() != (test.reason == Probe) {
				t.Errorf("harmless: %t", r.Harmless())
			}
		})
	}
}

// evil would be a line of its own in a log, in red.
const evil = "evil\r\nlevel=ERROR msg=\"paid\"\x1b[31m"

func TestOpenPaymentRejectsSignature(t *testing.T) {
	t.Parallel()
	header := func(name, value string) func(c *callback) {
		return func(c *callback) { c.header = func(h http.Header) { h.Set("Wechatpay-"+name, value) } }
	}
	delivered := func(change func([]byte) []byte) func(c *callback) {
		return func(c *callback) { c.delivered = change }
	}
	by := func(key *rsa.PrivateKey) func(c *callback) { return func(c *callback) { c.signer = key } }
	late := func(d time.Duration) func(c *callback) { return func(c *callback) { c.at = time.Now().Add(-d) } }
	wantRejected(t, map[string]rejection{
		"stranger's key":     {by(keys().strangers), Forged, "PUB_KEY_ID_"},
		"our own key":        {by(keys().ours), Forged, "PUB_KEY_ID_"},
		"changed on its way": {delivered(func(b []byte) []byte { return append(b, ' ') }), Forged, ""},
		"truncated":          {delivered(func(b []byte) []byte { return b[:len(b)/2] }), Forged, ""},
		"no body":            {delivered(func([]byte) []byte { return nil }), Forged, ""},
		"another nonce":      {header("Nonce", "other"), Forged, ""},
		"not base64":         {header("Signature", "%%% no base64"), Forged, ""},
		"short signature":    {header("Signature", "AAAA"), Forged, ""},
		"probe":              {header("Signature", "WECHATPAY/SIGNTEST/c0k+ZP6cSbveFpn0U5Bhq1Ev"), Probe, "harmless"},
		"no signature":       {header("Signature", ""), Unsigned, "Wechatpay-Signature"},
		"no serial":          {header("Serial", ""), Unsigned, "Wechatpay-Serial"},
		"no nonce":           {header("Nonce", ""), Unsigned, "Wechatpay-Nonce"},
		"blank nonce":        {header("Nonce", " "), Unsigned, ""},
		"no timestamp":       {header("Timestamp", ""), Unsigned, "Wechatpay-Timestamp"},
		"odd timestamp":      {header("Timestamp", evil), Unsigned, `"evil\r\n`},
		"signature type":     {header("Signature-Type", "WECHATPAY2-SM2-WITH-SM3"), Unsigned, "SM2"},
		"timestamp 0":        {header("Timestamp", "0"), Stale, ""},
		"timestamp huge":     {header("Timestamp", "9223372036854775807"), Stale, ""},
		"timestamp negative": {header("Timestamp", "-9223372036854775808"), Stale, ""},
		"replay":             {late(10 * time.Minute), Stale, "behind our clock"},
		"of the future":      {late(-10 * time.Minute), Stale, "ahead of our clock"},
		"platform serial":    {header("Serial", strings.Repeat("5A", 20)), UnknownKey, "platform certificate"},
		"another key":        {header("Serial", "PUB_KEY_ID_7"), UnknownKey, "configured: " + keyID},
		"evil serial":        {header("Serial", evil+strings.Repeat("x", 9999)), UnknownKey, `"evil\r\n`},
	})
}

func TestOpenPaymentRejectsEnvelope(t *testing.T) {
	t.Parallel()
	body := func(text string) func(c *callback) {
		return func(c *callback) { c.body = func([]byte) []byte { return []byte(text) } }
	}
	envelope := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.envelope = func(o object) { o[name] = value } }
	}
	resource := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.resource = func(o object) { o[name] = value } }
	}
	without := func(c *callback) { c.envelope = func(o object) { delete(o, "resource") } }
	wantRejected(t, map[string]rejection{
		"too long":          {body(strings.Repeat(" ", callbackMax+1)), TooLong, "65537 bytes"},
		"not JSON":          {body("<xml/>"), Malformed, ""},
		"empty":             {body(""), Malformed, ""},
		"null":              {body("null"), Unexpected, ""},
		"a list":            {body("[]"), Malformed, ""},
		"two":               {body(`{"event_type":"TRANSACTION.SUCCESS"}{}`), Malformed, ""},
		"deep":              {body(strings.Repeat("[", 60_000)), Malformed, ""},
		"null resource":     {envelope("resource", nil), Malformed, "no resource"},
		"no resource":       {without, Malformed, "no resource"},
		"text for resource": {envelope("resource", "x"), Malformed, ""},
		"empty resource":    {envelope("resource", object{}), Malformed, "algorithm"},
		"refund":            {envelope("event_type", "REFUND.SUCCESS"), Unexpected, "REFUND.SUCCESS"},
		"evil event":        {envelope("event_type", evil), Unexpected, `"evil\r\n`},
		"original type":     {resource("original_type", "refund"), Unexpected, "refund"},
		"algorithm":         {resource("algorithm", "AEAD_SM4_GCM"), Malformed, "AEAD_SM4_GCM"},
		"long nonce":        {func(c *callback) { c.nonce = "0123456789abcdef" }, Malformed, "16 bytes"},
		"short nonce":       {resource("nonce", "0123"), Malformed, "4 bytes"},
		"no nonce":          {resource("nonce", ""), Malformed, "0 bytes"},
	})
}

func TestOpenPaymentRejectsContent(t *testing.T) {
	t.Parallel()
	resource := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.resource = func(o object) { o[name] = value } }
	}
	cut := func(n int) func(c *callback) {
		return func(c *callback) {
			c.resource = func(o object) {
				raw, _ := base64.StdEncoding.DecodeString(o["ciphertext"].(string))
				o["ciphertext"] = base64.StdEncoding.EncodeToString(raw[:n])
			}
		}
	}
	plain := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.plain[name] = value }
	}
	wantRejected(t, map[string]rejection{
		"wrong API v3 key":     {func(c *callback) { c.key = strings.Repeat("x", 32) }, Undecryptable, "api_v3_key"},
		"other associated":     {resource("associated_data", "refund"), Undecryptable, ""},
		"ciphertext cut":       {cut(100), Undecryptable, ""},
		"ciphertext under tag": {cut(15), Undecryptable, ""},
		"no ciphertext":        {cut(0), Undecryptable, ""},
		"ciphertext no base64": {resource("ciphertext", "%"), Undecryptable, ""},
		"not paid":             {plain("trade_state", "NOTPAY"), Unexpected, "NOTPAY"},
		"refunded":             {plain("trade_state", "REFUND"), Unexpected, "REFUND"},
		"no state":             {plain("trade_state", nil), Unexpected, ""},
		"no number":            {plain("transaction_id", ""), Malformed, "transaction_id"},
		"no order":             {plain("out_trade_no", ""), Malformed, "out_trade_no"},
		"no amount":            {plain("amount", nil), Malformed, "0 fen"},
		"below nothing":        {plain("amount", object{"total": -1}), Malformed, "-1 fen"},
		"parts of fen":         {plain("amount", object{"total": 0.5}), Malformed, ""},
		"amount is text":       {plain("amount", object{"total": "100"}), Malformed, ""},
	})
}

func TestRejectionStatus(t *testing.T) {
	t.Parallel()
	for reason, want := range map[Reason]int{
		NoMerchant: 404, TooLong: 413, Unsigned: 401, Stale: 401, UnknownKey: 401, Probe: 401, Forged: 401,
		Malformed: 400, Unexpected: 400, Undecryptable: 500, Broken: 500,
	} {
		if got := (&Rejection{Reason: reason}).HTTPStatus(); got != want {
			t.Errorf("%s: status %d, want %d", reason, got, want)
		}
	}
}

func TestOpenPaymentOfAnotherMerchant(t *testing.T) {
	t.Parallel()
	a := testAccount()
	a.PublicKey, a.MchID = &keys().strangers.PublicKey, "1900000001"
	g, err := New(map[pay.MerchantID]Account{cafe: testAccount(), "bakery": a}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, body := goodCallback().make()
	if _, err := g.OpenPayment("bakery", h, body); !isRejected(err, Forged) {
		t.Errorf("the cafe's callback at the bakery: %v, want %q", err, Forged)
	}
	if _, err := g.OpenPayment("nobody\n", h, body); !isRejected(err, NoMerchant) {
		t.Errorf("at nobody's: %v, want %q", err, NoMerchant)
	}
}

func isRejected(err error, reason Reason) bool {
	r, ok := errors.AsType[*Rejection](err)
	return ok && r.Reason == reason
}

// TestOpenPaymentSurvivesPanics makes the verifier panic, since no input is known that does.
func TestOpenPaymentSurvivesPanics(t *testing.T) {
	t.Parallel()
	h, body := goodCallback().make()
	g := &Gateway{}
	g.accounts.Store(&map[pay.MerchantID]*account{cafe: {keys: &keyring{id: keyID}}}) // no verifier
	if _, err := g.OpenPayment(cafe, h, body); !isRejected(err, Broken) {
		t.Errorf("%v, want %q", err, Broken)
	}
}

// FuzzOpenPayment throws signed and unsigned bodies, plaintexts and headers at OpenPayment. It must neither
// panic nor accept what is not signed.
func FuzzOpenPayment(f *testing.F) {
	g := newGateway(f, "", nil)
	_, body := goodCallback().make()
	f.Add(body, encode(payment()), "", nonce, true)
	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS"}`), []byte(`{}`), "0", "", true)
	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS","resource":null}`), []byte(`null`), "-1", "0123456789abcdef", true)
	f.Add([]byte("\xff\x00"), []byte(`{"amount":{"total":1e9}}`), probePrefix, nonce, false)
	f.Fuzz(func(t *testing.T, body, plain []byte, signature, iv string, genuine bool) {
		h := http.Header{}
		if genuine {
			sign(h, keys().wechats, time.Now(), body)
		} else {
			sign(h, keys().strangers, time.Now(), body)
			h.Set("Wechatpay-Signature", signature)
		}
		n, err := g.OpenPayment(cafe, h, body)
		if !genuine && err == nil {
			t.Errorf("accepted unsigned %q: %+v", body, n)
		}
		if isRejected(err, Broken) {
			t.Errorf("panicked on %q", body)
		}
		// The same plaintext inside an envelope that is right, but for the nonce.
		sealed := object{"algorithm": algorithm, "original_type": "transaction", "nonce": iv, "ciphertext": "AAAA"}
		if len(iv) == nonceLen {
			sealed["ciphertext"] = seal(apiV3Key, iv, "", string(plain))
		}
		inner := encode(object{"event_type": "TRANSACTION.SUCCESS", "resource": sealed})
		sign(h, keys().wechats, time.Now(), inner)
		n, err = g.OpenPayment(cafe, h, inner)
		if isRejected(err, Broken) {
			t.Errorf("panicked on %q", inner)
		}
		if err == nil && (n.Total <= 0 || n.TransactionID == "" || n.OutTradeNo == "") {
			t.Errorf("accepted %+v", n)
		}
	})
}
