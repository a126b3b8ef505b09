package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/validators"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"saoma/backend/pay"
)

const (
	// callbackMax bounds a callback in bytes. A payment's has about two thousand; what can grow in it, the
	// goods of coupons, is bounded to 6144 bytes in the order. The documentation would allow a mebibyte.
	callbackMax = 64 << 10

	signatureType = "WECHATPAY2-SHA256-RSA2048"
	paymentEvent  = "TRANSACTION.SUCCESS"
	paymentType   = "transaction"
	algorithm     = "AEAD_AES_256_GCM"
	nonceLen      = 12 // bytes; the cipher panics on any other length
)

// An envelope is the body of a callback (doc 4012791882).
type envelope struct {
	EventType string    `json:"event_type"`
	Resource  *resource `json:"resource"`
}

type resource struct {
	Algorithm      string `json:"algorithm"`
	OriginalType   string `json:"original_type"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"` // may be missing
	Nonce          string `json:"nonce"`
}

// A subject is what the callbacks of one address are about.
type subject struct {
	kind   string   // original_type
	events []string // event_type
}

// A message is a callback that was verified and decrypted.
type message struct {
	event    string
	text     string // the resource, JSON
	signedAt time.Time
}

// OpenPayment verifies, decrypts and decodes a payment callback, from its headers and its body as it came.
// Its errors are [*Rejection]s. The SDK's own parser is not used: it panics on bodies without a resource,
// and its errors repeat the whole request.
func (g *Gateway) OpenPayment(m pay.MerchantID, h http.Header, body []byte) (n pay.Notice, err error) {
	defer catch(&err)
	_, opened, rejection := g.unseal(m, h, body, subject{kind: paymentType, events: []string{paymentEvent}})
	if rejection != nil {
		return pay.Notice{}, rejection
	}
	t, err := decodeTransaction([]byte(opened.text))
	if err != nil {
		return pay.Notice{}, rejected(Malformed, "%v", err)
	}
	if t.TradeState != pay.TradeSuccess {
		return pay.Notice{}, rejected(Unexpected, "trade_state is %.32q", string(t.TradeState))
	}
	n, err = t.notice(m, pay.FromCallback, opened.signedAt)
	if err != nil {
		return pay.Notice{}, rejected(Malformed, "%v", err)
	}
	return n, nil
}

// catch makes a panic a Rejection; it is to be deferred. No input is known to get here. Attackers choose the
// input, and the SDK has panicked on some before.
func catch(err *error) {
	if recover() != nil {
		*err = rejected(Broken, "panic while opening a callback")
	}
}

// unseal verifies and decrypts a callback about the subject, by the account that it returns.
func (g *Gateway) unseal(m pay.MerchantID, h http.Header, body []byte, about subject) (*account, message, *Rejection) {
	a := g.account(m)
	if a == nil {
		return nil, message{}, rejected(NoMerchant, "%.40q", string(m))
	}
	if len(body) > callbackMax {
		return a, message{}, rejected(TooLong, "%d bytes, at most %d", len(body), callbackMax)
	}
	at, rejection := a.verify(h, body)
	if rejection != nil {
		return a, message{}, rejection
	}
	opened, rejection := a.decrypt(body, about)
	opened.signedAt = at
	return a, opened, rejection
}

// verify returns when WeChat Pay signed the callback.
func (a *account) verify(h http.Header, body []byte) (time.Time, *Rejection) {
	if kind := h.Get("Wechatpay-Signature-Type"); kind != "" && kind != signatureType {
		return time.Time{}, rejected(Unsigned, "signature type %.40q, only %s is known", kind, signatureType)
	}
	at, rejection := checkTime(h)
	if rejection != nil {
		return time.Time{}, rejection
	}
	err := validators.NewWechatPayNotifyValidator(a.keys).Validate(context.Background(), // nothing waits in it
		&http.Request{Header: h, Body: io.NopCloser(bytes.NewReader(body))})
	if err == nil {
		return at, nil
	}
	if rejection, ok := errors.AsType[*Rejection](err); ok {
		return time.Time{}, rejection
	}
	for _, name := range []string{consts.WechatPaySerial, consts.WechatPaySignature, consts.WechatPayNonce} {
		if h.Get(name) == "" {
			return time.Time{}, rejected(Unsigned, "header %s is missing", name)
		}
	}
	return time.Time{}, rejected(Unsigned, "the SDK refuses its headers")
}

// decrypt opens the envelope of a verified callback.
func (a *account) decrypt(body []byte, about subject) (message, *Rejection) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return message{}, rejected(Malformed, "decode the envelope: %v", err)
	}
	switch r := e.Resource; {
	case !slices.Contains(about.events, e.EventType):
		return message{}, rejected(Unexpected, "event_type is %.40q, want %s", e.EventType,
			strings.Join(about.events, " or "))
	case r == nil:
		return message{}, rejected(Malformed, "it has no resource")
	case r.Algorithm != algorithm:
		return message{}, rejected(Malformed, "algorithm is %.40q, want %s", r.Algorithm, algorithm)
	case r.OriginalType != about.kind:
		return message{}, rejected(Unexpected, "original_type is %.40q, want %s", r.OriginalType, about.kind)
	case len(r.Nonce) != nonceLen:
		return message{}, rejected(Malformed, "nonce has %d bytes, want %d", len(r.Nonce), nonceLen)
	}
	text, err := utils.DecryptAES256GCM(a.APIv3Key, e.Resource.AssociatedData, e.Resource.Nonce, e.Resource.Ciphertext)
	if err != nil {
		return message{}, rejected(Undecryptable, "%v; is api_v3_key the one set in the merchant platform?", err)
	}
	return message{event: e.EventType, text: text}, nil
}
