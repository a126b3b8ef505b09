package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"saoma/backend/pay"
)

const (
	echoEvent  = "SECURITY_ECHO.SUCCESS"
	echoType   = "security"
	echoMax    = 128 // bytes of a message, our own
	echoSecret = "secret: "
)

// An echoBody is what the self-test says (doc 4014551946). In the callback its second field has another name.
type echoBody struct {
	Message   string `json:"echo_message"`
	Encrypted string `json:"encrypted_echo_message"`
	InNotice  string `json:"encrypt_echo_message"`
}

// Echo runs WeChat Pay's self-test of a merchant's keys (POST /v3/security/echo): the message comes back signed, and a
// second one encrypted both ways. WeChat Pay says it once more in a callback to the address, which [Gateway.OpenEcho]
// opens. A failure is a [*pay.GatewayError].
func (g *Gateway) Echo(ctx context.Context, m pay.MerchantID, message, notifyURL string) error {
	const op = "echo"
	var with *account
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		with = a
		key, err := a.keys.encryption(ctx)
		if err != nil {
			return nil, err
		}
		sealed, err := utils.EncryptOAEPWithPublicKey(echoSecret+message, key)
		if err != nil {
			return nil, err
		}
		return a.client.Post(ctx, consts.WechatPayAPIServer+"/v3/security/echo", map[string]string{
			"notify_url": notifyURL, "echo_message": message, "encrypted_echo_message": sealed,
		})
	})
	if err != nil {
		return err
	}
	var back echoBody
	if err := json.Unmarshal(a.body, &back); err != nil {
		return a.unsure(op, fmt.Errorf("decode the answer: %w", err))
	}
	if back.Message != message {
		return a.unsure(op, errors.New("it says something else than it was told"))
	}
	if err := with.openSecret(message, back.Encrypted); err != nil {
		return a.unsure(op, err)
	}
	return nil
}

// openSecret decrypts what was encrypted for the merchant's certificate.
func (a *account) openSecret(message, sealed string) error {
	plain, err := utils.DecryptOAEP(sealed, a.PrivateKey)
	if err != nil {
		return errors.New("private_key does not decrypt what WeChat Pay encrypted for the merchant's certificate")
	}
	if plain != echoSecret+message {
		return errors.New("the encrypted message is another one")
	}
	return nil
}

// OpenEcho verifies and decrypts the callback of a self-test and returns its message. Its errors are [*Rejection]s.
func (g *Gateway) OpenEcho(m pay.MerchantID, h http.Header, body []byte) (text string, err error) {
	defer catch(&err)
	a, opened, rejection := g.unseal(m, h, body, subject{kind: echoType, events: []string{echoEvent}})
	if rejection != nil {
		return "", rejection
	}
	var said echoBody
	if err := json.Unmarshal([]byte(opened.text), &said); err != nil {
		return "", rejected(Malformed, "decode the echo: %v", err)
	}
	if said.Message == "" || len(said.Message) > echoMax {
		return "", rejected(Unexpected, "echo_message has %d bytes", len(said.Message))
	}
	if said.InNotice == "" {
		return said.Message, nil // somebody ran the self-test without it
	}
	if err := a.openSecret(said.Message, said.InNotice); err != nil {
		return "", rejected(Undecryptable, "%v", err)
	}
	return said.Message, nil
}

// Genuine reports whether WeChat Pay did sign what was rejected.
func (r *Rejection) Genuine() bool {
	return r.Reason == Malformed || r.Reason == Unexpected || r.Reason == Undecryptable
}

// Clock asks the API at the address for the time and returns how far our clock is ahead of it, to about a second. It
// needs no keys.
func Clock(ctx context.Context, apiURL string) (ahead time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, pay.CallLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, apiURL+"/", nil)
	if err != nil {
		return 0, inOneLine(err)
	}
	transport := newTransport()
	defer transport.CloseIdleConnections()
	began := time.Now()
	response, err := newClient(transport).Do(r)
	if err != nil {
		return 0, unanswered(ctx, err)
	}
	_ = response.Body.Close() // only the header counts
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return 0, errors.New("the answer has no Date that can be read")
	}
	// Halfway between question and answer; Date has whole seconds.
	ours := began.Add(time.Since(began) / 2)
	return ours.Sub(at.Add(time.Second / 2)), nil
}
