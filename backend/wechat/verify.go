package wechat

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

// A Reason says why a message was not accepted as WeChat Pay's word.
type Reason string

// The reasons. Down to Forged the sender is unknown; from Malformed on it was WeChat Pay.
const (
	NoMerchant    Reason = "no such merchant"
	TooLong       Reason = "too long"
	Unsigned      Reason = "not signed"         // headers are missing or make no sense
	Stale         Reason = "not of this moment" // a replay, or a clock that is wrong
	UnknownKey    Reason = "signed with another key"
	Probe         Reason = "signature probe" // harmless: WeChat Pay tests that we verify
	Forged        Reason = "wrong signature"
	Malformed     Reason = "not understood"
	Unexpected    Reason = "not expected here"
	Undecryptable Reason = "cannot be decrypted" // most likely api_v3_key is wrong
	Broken        Reason = "internal error"
)

// A Rejection is a message that was not accepted. Its text is one bounded line without bodies or keys; of
// headers it repeats the key's name and the time, quoted.
type Rejection struct {
	Reason Reason
	Detail string
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Detail }

// HTTPStatus is what to answer a callback that was rejected so. Anything but 2xx makes WeChat Pay send
// it again.
func (r *Rejection) HTTPStatus() int {
	switch r.Reason {
	case NoMerchant:
		return http.StatusNotFound
	case TooLong:
		return http.StatusRequestEntityTooLarge
	case Malformed, Unexpected:
		return http.StatusBadRequest
	case Undecryptable, Broken:
		return http.StatusInternalServerError
	}
	return http.StatusUnauthorized
}

// Harmless reports whether it was one of WeChat Pay's signature probes (签名探测, doc 4013053249): they are to
// be refused like any wrong signature, but there is nothing to look into.
func (r *Rejection) Harmless() bool { return r.Reason == Probe }

func rejected(why Reason, format string, args ...any) *Rejection {
	return &Rejection{Reason: why, Detail: oneLine(fmt.Sprintf(format, args...))}
}

// probePrefix begins the signature of a probe. What follows is not base64.
const probePrefix = "WECHATPAY/SIGNTEST/"

// clockTolerance is how far a message's time may be from ours, by doc 4013053420. A resend is signed afresh.
const clockTolerance = 5 * time.Minute

// A keyring is the SDK's verifier for the keys that WeChat Pay signs with for one merchant, with reasons that tell an
// operator what to do.
type keyring struct {
	id           string                                 // of the public key; empty: there is none
	key          *rsa.PublicKey                         // of id
	public       *verifiers.SHA256WithRSAPubkeyVerifier // of id
	certificates *certificates                          // nil: none are taken
}

// newKeyring returns a ring with the public key, if there is one.
func newKeyring(id string, public *rsa.PublicKey) *keyring {
	if public == nil {
		return &keyring{}
	}
	return &keyring{id: id, key: public, public: verifiers.NewSHA256WithRSAPubkeyVerifier(id, *public)}
}

var errNoSerial = errors.New("any key may sign")

// GetSerial names the key that WeChat Pay shall sign with and that we encrypt for; the SDK sends it with every request.
// During a switch-over that is the public key. As long as no certificate is known nothing is sent, and WeChat Pay
// chooses.
func (k *keyring) GetSerial(context.Context) (string, error) {
	if k.id != "" {
		return k.id, nil
	}
	if serial, _, ok := k.certificates.newest(); ok {
		return serial, nil
	}
	return "", errNoSerial
}

// encryption returns the key that what only WeChat Pay may read is encrypted for: that of GetSerial.
func (k *keyring) encryption(ctx context.Context) (*rsa.PublicKey, error) {
	if k.id != "" {
		return k.key, nil
	}
	if _, c, ok := k.certificates.newest(); ok {
		return c.key, nil
	}
	if err := k.certificates.refresh(ctx); err != nil {
		return nil, err
	}
	if _, c, ok := k.certificates.newest(); ok {
		return c.key, nil
	}
	return nil, errors.New("no platform certificate is known yet")
}

// Verify checks a signature. Its errors are Rejections. A platform certificate that is not known yet is looked for at
// WeChat Pay, within ctx.
func (k *keyring) Verify(ctx context.Context, serial, message, signature string) error {
	if strings.HasPrefix(signature, probePrefix) {
		return rejected(Probe, "the signature begins with %s; harmless, a good one follows", probePrefix)
	}
	if isCertificateSerial(serial) {
		serial = strings.ToUpper(serial)
	}
	key, rejection := k.find(ctx, serial)
	if rejection != nil {
		return rejection
	}
	if err := key.Verify(ctx, serial, message, signature); err != nil {
		return rejected(Forged, "not made with the key of %s, or the message was changed on its way", serial)
	}
	return nil
}

// find returns the key of a serial.
func (k *keyring) find(ctx context.Context, serial string) (*verifiers.SHA256WithRSAPubkeyVerifier, *Rejection) {
	switch {
	case k.id != "" && serial == k.id:
		return k.public, nil
	case k.certificates != nil && isCertificateSerial(serial):
		return k.certificates.find(ctx, serial)
	case k.id == "":
		return nil, rejected(UnknownKey, "serial %.64q%s; configured: platform certificates only, no public_key_id",
			serial, kindOfSerial(serial))
	}
	return nil, rejected(UnknownKey, "serial %.64q%s; configured: %s", serial, kindOfSerial(serial), k.id)
}

// isCertificateSerial reports whether a serial has the form of a certificate's, 40 hex digits.
func isCertificateSerial(serial string) bool {
	return len(serial) == 40 && strings.Trim(serial, "0123456789ABCDEFabcdef") == ""
}

// kindOfSerial says what a serial looks like, for those who took the wrong one.
func kindOfSerial(serial string) string {
	switch {
	case strings.HasPrefix(serial, "PUB_KEY_ID_"):
		return " (a WeChat Pay public key, but another)"
	case isCertificateSerial(serial):
		return " (a platform certificate: the merchant has not switched to the public key yet; set platform_certificates = true)"
	}
	return ""
}

// checkTime refuses messages of another time, with the difference: it shows an operator a wrong clock.
func checkTime(h http.Header) (time.Time, *Rejection) {
	text := h.Get(consts.WechatPayTimestamp)
	if text == "" {
		return time.Time{}, rejected(Unsigned, "header %s is missing", consts.WechatPayTimestamp)
	}
	at, err := signedAt(h)
	if err != nil {
		return time.Time{}, rejected(Unsigned, "header %s is %.32q", consts.WechatPayTimestamp, text)
	}
	if age := time.Since(at); age >= clockTolerance || age <= -clockTolerance {
		where := "behind"
		if age < 0 {
			where = "ahead of"
		}
		return time.Time{}, rejected(Stale, "its time is %v %s our clock, at most %v is allowed",
			age.Abs().Round(time.Second), where, clockTolerance)
	}
	return at, nil
}
