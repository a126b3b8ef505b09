package wechat

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
)

// The merchant of these tests. The key pairs are made once per run: ours, WeChat Pay's, and a stranger's.
const (
	cafe     = pay.MerchantID("cafe")
	apiV3Key = "0123456789abcdef0123456789ABCDEF"
	keyID    = "PUB_KEY_ID_0119000000012024101000000000000000"
	number   = "ORDER0001"
)

type keyPairs struct{ ours, wechats, strangers *rsa.PrivateKey }

var keys = sync.OnceValue(func() keyPairs {
	var made [3]*rsa.PrivateKey
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			panic(err) // without chance nothing can be tested
		}
		made[i] = key
	}
	return keyPairs{made[0], made[1], made[2]}
})

func testAccount() Account {
	return Account{
		APIURL: "https://api.mch.weixin.qq.com", AppID: "wxd678efh567hg6787", MchID: "1900007291",
		Serial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", PrivateKey: keys().ours, APIv3Key: apiV3Key,
		PublicKeyID: keyID, PublicKey: &keys().wechats.PublicKey,
		NotifyURL:       "https://pay.example/notify/cafe/payment",
		RefundNotifyURL: "https://pay.example/notify/cafe/refund",
	}
}

// newGateway returns a gateway for the test's merchant at this address.
func newGateway(tb testing.TB, apiURL string, transport http.RoundTripper) *Gateway {
	tb.Helper()
	a := testAccount()
	if apiURL != "" {
		a.APIURL = apiURL
	}
	g, err := New(map[pay.MerchantID]Account{cafe: a}, Options{Transport: transport})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// sign signs a message as WeChat Pay does, into its headers.
func sign(h http.Header, key *rsa.PrivateKey, at time.Time, body []byte) {
	const nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n", at.Unix(), nonce, body))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // a fixed-size hash and a fresh key cannot fail
	}
	h.Set("Wechatpay-Timestamp", fmt.Sprint(at.Unix()))
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Serial", keyID)
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(signature))
	h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
}

// seal encrypts a callback's resource.
func seal(key, nonce, associated, text string) string {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), []byte(text), []byte(associated)))
}

// object is JSON in the making.
type object = map[string]any

func encode(o object) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

// payment is the transaction of a paid order, as a query answers it and a callback carries it.
func payment() object {
	return object{
		"appid": "wxd678efh567hg6787", "mchid": "1900007291", "out_trade_no": number,
		"transaction_id": "4200000000202601010000000001", "trade_type": "NATIVE", "trade_state": "SUCCESS",
		"trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "", "success_time": "2026-01-01T12:00:00+08:00",
		"payer":  object{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
		"amount": object{"total": 100, "payer_total": 90, "currency": "CNY", "payer_currency": "CNY"},
	}
}

func paymentNotice(source pay.Source) pay.Notice {
	return pay.Notice{
		Merchant: cafe, Source: source, MchID: "1900007291", AppID: "wxd678efh567hg6787", OutTradeNo: number,
		TransactionID: "4200000000202601010000000001", Total: 100, Currency: "CNY",
		PaidAt: time.Date(2026, 1, 1, 4, 0, 0, 0, time.UTC),
	}
}

func wantNotice(t *testing.T, got, want pay.Notice) {
	t.Helper()
	if !got.PaidAt.Equal(want.PaidAt) {
		t.Errorf("paid at %v, want %v", got.PaidAt, want.PaidAt)
	}
	got.PaidAt = want.PaidAt
	if got != want {
		t.Errorf("notice\n%+v, want\n%+v", got, want)
	}
}

// wantSafe checks that an error may be logged: one bounded line, nothing that is secret or long.
func wantSafe(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 3*textMax+200 {
		t.Errorf("not one bounded line: %q", text)
	}
	for what, secret := range map[string]string{
		"the API v3 key": apiV3Key, "a PEM": "BEGIN ", "our Authorization": `WECHATPAY2-SHA256-RSA2048 mchid=`,
		"our private key": keys().ours.D.String(), "the payer": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "a cookie": "s3cr3t",
		"a signature": `signature="`,
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the error shows %s: %q", what, text)
		}
	}
}

func gatewayError(t *testing.T, err error) *pay.GatewayError {
	t.Helper()
	e, ok := errors.AsType[*pay.GatewayError](err)
	if !ok {
		t.Fatalf("error %v, want a GatewayError", err)
	}
	return e
}

func wantFailure(t *testing.T, err error, op string, outcome pay.Outcome, code string) {
	t.Helper()
	e := gatewayError(t, err)
	wantSafe(t, err)
	if e.Op != op || e.Outcome != outcome || e.Code != code {
		t.Errorf("%s: outcome %d code %q, want %s: %d %q (%v)", e.Op, e.Outcome, e.Code, op, outcome, code, err)
	}
}
